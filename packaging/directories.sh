{{- /* Shared by the scripts of both formats.

dpkg removes every empty directory that a package lists, rpm none that it
doesn't; and a plugin's folder belongs to the product, empty or not. So the
packages list no directory of the product: before the first files come, a
script writes down which are missing, and exactly those are removed at the
end, if they are empty. A directory that another package of ours made counts
as made by this one too, so that whichever is removed last takes it away. When
there is more in them than ours, the product has come after us: its package
has the directories in its list now, and they stay. */ -}}

{{define "note-missing-directories" -}}
umask 022
    made=
    for dir in {{.Directories}}; do
        if [ -d "$dir" ]; then
            grep -qsxF "$dir" /var/lib/avirkit/*.dirs || continue
        elif [ -e "$dir" ] || [ -L "$dir" ]; then
            echo "$dir is in the way: it is no directory" >&2
            exit 1
        fi
        made="$made $dir"
    done
    if [ -n "$made" ]; then
        mkdir -p /var/lib/avirkit
        for dir in $made; do echo "$dir"; done >/var/lib/avirkit/{{.Name}}.dirs.new
        mv -f /var/lib/avirkit/{{.Name}}.dirs.new /var/lib/avirkit/{{.Name}}.dirs
    fi
{{- end}}

{{define "remove-noted-directories" -}}
rm -f /var/lib/avirkit/{{.Name}}.dirs.new
    if [ -f /var/lib/avirkit/{{.Name}}.dirs ]; then
        product=
        while read -r dir; do
            case $dir in /opt/kerio/*/*) ;; *) continue ;; esac
            grep -qxF "${dir%/*}" /var/lib/avirkit/{{.Name}}.dirs || continue
            (
                set -- "${dir%/*}"/*
                [ $# -eq 1 ]
            ) || product=yes
        done </var/lib/avirkit/{{.Name}}.dirs
        while read -r dir; do
            [ -n "$product" ] || rmdir "$dir" 2>/dev/null || :
        done </var/lib/avirkit/{{.Name}}.dirs
        rm -f /var/lib/avirkit/{{.Name}}.dirs
    fi
    rmdir /var/lib/avirkit 2>/dev/null || :
{{- end}}
