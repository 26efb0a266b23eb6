{{- /* Shared by the scripts of both formats.

dpkg removes every empty directory that a package lists, rpm none that it
doesn't; and a plugin's folder belongs to the product, empty or not. So the
packages list no directory of the product: before the first files come, a
script writes down which are missing, and exactly those are removed at the
end, if they are empty. A directory that another package of ours made counts
as made by this one too, so that whichever is removed last takes it away. */ -}}

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
if [ -f /var/lib/avirkit/{{.Name}}.dirs ]; then
        while read -r dir; do
            rmdir "$dir" 2>/dev/null || :
        done </var/lib/avirkit/{{.Name}}.dirs
        rm -f /var/lib/avirkit/{{.Name}}.dirs
    fi
    rmdir /var/lib/avirkit 2>/dev/null || :
{{- end}}
