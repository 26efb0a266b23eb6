{{- /* Shared by the scripts of each format.

A 64-bit program can't load a 32-bit library, nor the other way round: the
product would not list the antivirus, and say nothing. Byte 5 of the product's
server, an ELF file, tells its width. To open what is no file, such as a FIFO,
could wait for ever. */ -}}

{{define "find-server" -}}
width() {
        [ -f "$1" ] || return 0
        case $(od -An -tx1 -N5 "$1" 2>/dev/null | tr -d ' ') in
        7f454c4601) echo 32 ;;
        7f454c4602) echo 64 ;;
        esac
    }
    server={{.Server}}
    bits=$(width "$server")
    if [ -z "$bits" ]; then
        # Not far down, not on other file systems, and not for long: the
        # product's mail may lie in that folder, too.
        found=$(timeout 20 find {{.Product.Folder}}/ -xdev -maxdepth 6 -name store -prune -o -name avserver ! -type d -print 2>/dev/null | head -n 20)
        while [ -z "$bits" ] && [ -n "$found" ]; do
            server=$(echo "$found" | head -n 1)
            found=$(echo "$found" | tail -n +2)
            bits=$(width "$server")
        done
    fi
    mismatch="{{.Name}}: $server is a $bits-bit program and cannot load this {{.Bits}}-bit library; to install the $bits-bit one, run"
{{- end}}

{{define "restart-hint" -}}
echo "{{.Name}}: a running antivirus server keeps the old library until the antivirus is switched off and on in the console, or {{.Product.Name}} is restarted" || :
{{- end}}
