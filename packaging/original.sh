{{- /* Shared by the scripts of each format.

The product's folder may already hold a plugin with the name of ours: the
product's original one, or one that the administrator has put there. It is kept
outside that folder, because the product offers every library in it, and on the
same file system, so that it can be moved. It comes back when this package goes. */ -}}

{{define "movable-original" -}}
# Found here it is one clear line; half-way through, it leaves a mess. Not even
    # root may write to an immutable file.
    for each in {{.Product.Plugins}} {{.File}}; do
        if [ -e "$each" ] && [ ! -L "$each" ] && [ ! -w "$each" ]; then
            echo "{{.Name}}: $each can't be changed: is it immutable (lsattr -d shows an i, chattr -i takes it away), or its file system read-only?" >&2
            exit 1
        fi
    done
    if [ -d {{.File}} ] && [ ! -L {{.File}} ]; then
        echo "{{.Name}}: {{.File}} is in the way: it is a folder" >&2
        exit 1
    fi
{{- end}}

{{define "divert-original" -}}
# dpkg then unpacks the product's own file there, too, should it bring one.
    if [ -z "$(dpkg-divert --listpackage {{.File}})" ]; then
        if [ "$1" = upgrade ]; then
            # What lies there is ours, of a version that diverted nothing. Debian
            # 6 does not rename unless it is told to, and knows no --no-rename.
            dpkg-divert --quiet --package {{.Name}} --no-rename --divert {{.Kept}} --add {{.File}} 2>/dev/null ||
                dpkg-divert --quiet --package {{.Name}} --divert {{.Kept}} --add {{.File}}
        else
            if [ -e {{.File}} ] || [ -L {{.File}} ]; then
                echo "{{.Name}}: keeps the {{.File}} that is here as {{.Kept}} until this package is removed" || :
            fi
            dpkg-divert --quiet --package {{.Name}} --rename --divert {{.Kept}} --add {{.File}}
        fi
    fi
{{- end}}

{{define "undivert-original" -}}
if [ "$(dpkg-divert --listpackage {{.File}})" = {{.Name}} ]; then
        if [ ! -e {{.Kept}} ] && [ ! -L {{.Kept}} ]; then
            dpkg-divert --quiet --package {{.Name}} --rename --divert {{.Kept}} --remove {{.File}}
        elif [ -e {{.File}} ] || [ -L {{.File}} ]; then
            # dpkg-divert would refuse for ever, and the package could not go.
            echo "{{.Name}}: the file that was kept stays at {{.Kept}}, because there is a new {{.File}}" || :
            dpkg-divert --quiet --package {{.Name}} --no-rename --divert {{.Kept}} --remove {{.File}} 2>/dev/null ||
                dpkg-divert --quiet --package {{.Name}} --divert {{.Kept}} --remove {{.File}}
        else
            echo "{{.Name}}: puts the {{.File}} back that was here before" || :
            dpkg-divert --quiet --package {{.Name}} --rename --divert {{.Kept}} --remove {{.File}}
        fi
    fi
{{- end}}

{{define "keep-original" -}}
# rpm calls no script if it can't unpack the files. So the original gets a
# second name, and is in its place until rpm replaces it.
    if [ "$1" = 1 ] && { [ -e {{.File}} ] || [ -L {{.File}} ]; }; then
        if [ ! -e {{.Kept}} ] && [ ! -L {{.Kept}} ]; then
            ln {{.File}} {{.Kept}} 2>/dev/null || cp -a {{.File}} {{.Kept}}
        elif [ ! {{.File}} -ef {{.Kept}} ]; then
            echo "{{.Name}}: both {{.File}} and {{.Kept}}, from an earlier install, are here: move one of them away" >&2
            exit 1
        fi
        echo "{{.Name}}: keeps the {{.File}} that is here as {{.Kept}} until this package is removed" || :
    fi
{{- end}}

{{define "return-original" -}}
if [ -e {{.Kept}} ] || [ -L {{.Kept}} ]; then
        if [ -e {{.File}} ] || [ -L {{.File}} ]; then
            echo "{{.Name}}: the file that was kept stays at {{.Kept}}, because there is a new {{.File}}" || :
        else
            echo "{{.Name}}: puts the {{.File}} back that was here before" || :
            mv {{.Kept}} {{.File}} || :
        fi
    fi
{{- end}}
