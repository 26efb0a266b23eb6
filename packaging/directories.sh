{{- /* Shared by the scripts of both formats.

dpkg removes every empty directory that a package lists, rpm none that it
doesn't; and a plugin's folder belongs to the product, empty or not. So the
packages list no directory of the product: what is missing before the first
files come is made by a script, which writes down what it made, and exactly
that is removed at the end, if it is empty. A directory that another package
of ours made counts as made by this one too, so that whichever is removed
last takes it away. */ -}}

{{define "make-directories" -}}
    umask 022
    made=
    for dir in {{.Directories}}; do
        if [ ! -d "$dir" ] || grep -qsxF "$dir" /var/lib/avirkit/*.dirs; then
            made="$made $dir"
        fi
    done
    if [ -n "$made" ]; then
        mkdir -p /var/lib/avirkit
        for dir in $made; do echo "$dir"; done >/var/lib/avirkit/{{.Name}}.dirs.new
        mv -f /var/lib/avirkit/{{.Name}}.dirs.new /var/lib/avirkit/{{.Name}}.dirs
    fi
    mkdir -p {{.Product.Plugins}}
{{- end}}

{{define "remove-directories" -}}
    if [ -f /var/lib/avirkit/{{.Name}}.dirs ]; then
        while read -r dir; do
            rmdir "$dir" 2>/dev/null || :
        done </var/lib/avirkit/{{.Name}}.dirs
        rm -f /var/lib/avirkit/{{.Name}}.dirs
    fi
    rmdir /var/lib/avirkit 2>/dev/null || :
{{- end}}
