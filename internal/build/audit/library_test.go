package audit

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFileThatCanNotBeAuditedIsNamedWithARemedy(t *testing.T) {
	written := func(t *testing.T, content string) string {
		path := filepath.Join(t.TempDir(), "avir_test.so")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	const wrongMachine = "build the plugin with GOARCH=386, or gcc -m32"
	tests := []struct {
		name    string
		file    func(t *testing.T) string
		message string
	}{
		{"missing", func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "avir_test.so")
		}, "no such file or directory"},
		{"a folder", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "avir_test.so")
			require.NoError(t, os.Mkdir(path, 0o700))
			return path
		}, "is a folder: name a plugin library"},
		{"a named pipe that nobody writes to", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "avir_test.so")
			require.NoError(t, syscall.Mkfifo(path, 0o600))
			return path
		}, "is a special file: name a plugin library"},
		{"empty", func(t *testing.T) string { return written(t, "") }, "is an empty file"},
		{"text", func(t *testing.T) string { return written(t, "GROUP ( libc.so.6 )") }, "is not an ELF file"},
		{"only the magic", func(t *testing.T) string { return written(t, elf.ELFMAG) }, "is a damaged ELF file"},
		{"64-bit, cut off after its class", func(t *testing.T) string {
			return written(t, elf.ELFMAG+"\x02")
		}, "is a 64-bit library; the antivirus server is a 32-bit i386 process: " + wrongMachine},
		{"a 64-bit library", func(t *testing.T) string {
			return gcc(t, "avir_test.so", entry, "-m64", "-shared", "-fPIC")
		}, "is a 64-bit library; the antivirus server is a 32-bit i386 process: " + wrongMachine},
		{"for another processor", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, _ *elf.File) {
				binary.LittleEndian.PutUint16(data[18:], uint16(elf.EM_ARM))
			})
		}, "is a library for EM_ARM ELFDATA2LSB; the antivirus server is a 32-bit i386 process: " + wrongMachine},
		{"an object file", func(t *testing.T) string {
			return gcc(t, "avir_test.so", entry, "-c")
		}, "is not a shared library but ET_REL: link it with -shared"},
		{"a program", func(t *testing.T) string {
			return gcc(t, "avir_test.so", entry+"void _start(void) {}", "-no-pie", "-static")
		}, "is not a shared library but ET_EXEC: link it with -shared"},
		{"a position-independent program", func(t *testing.T) string {
			return gcc(t, "avir_test.so", entry+"void _start(void) {}", "-pie", "-fPIE")
		}, "is a position-independent program"},
		{"without a section table", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, _ *elf.File) {
				clear(data[32:36])
				clear(data[46:52])
			})
		}, "has no section table"},
		{"with sections that hide what ld.so reads", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, file *elf.File) {
				for i, p := range file.Progs {
					if p.Type == elf.PT_DYNAMIC {
						binary.LittleEndian.PutUint32(data[52+32*i+4:], uint32(p.Off+8))
					}
				}
			})
		}, "section table and its segments disagree about the dynamic section"},
		{"with a symbol table that is not ld.so's", func(t *testing.T) string {
			return patched(t, plugin(t, entry), retag(elf.DT_SYMTAB, elf.DT_DEBUG))
		}, "disagree about the DT_SYMTAB table"},
		{"with a section of symbols that is too short for its hash table", func(t *testing.T) string {
			return patched(t, plugin(t, entry, "-Wl,--hash-style=sysv"), shorten(elf.SHT_DYNSYM, elf.Sym32Size))
		}, "its DT_HASH table leads beyond"},
		{"with a section of symbols that is too short for its GNU hash table", func(t *testing.T) string {
			return patched(t, plugin(t, entry, "-Wl,--hash-style=gnu"), shorten(elf.SHT_DYNSYM, elf.Sym32Size))
		}, "its DT_GNU_HASH table leads beyond"},
		{"with names that are not ld.so's", func(t *testing.T) string {
			return patched(t, plugin(t, entry), retag(elf.DT_STRTAB, elf.DT_DEBUG))
		}, "disagree about the DT_STRTAB table"},
		{"with a section of names that is too short", func(t *testing.T) string {
			return patched(t, plugin(t, entry), shorten(elf.SHT_STRTAB, 1))
		}, "disagree about the DT_STRSZ table"},
		{"with symbols that are not where they are loaded from", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, file *elf.File) {
				section(data, file, elf.SHT_DYNSYM, func(header []byte) {
					binary.LittleEndian.PutUint32(header[16:], binary.LittleEndian.Uint32(header[16:])+elf.Sym32Size)
				})
			})
		}, "disagree about the DT_SYMTAB table"},
		{"with two tables of symbols", func(t *testing.T) string {
			return patched(t, plugin(t, entry, "-Wl,-soname=avir_test.so"), retag(elf.DT_SONAME, elf.DT_SYMTAB))
		}, "2 entries DT_SYMTAB"},
		{"with tags behind the end", func(t *testing.T) string {
			return patched(t, plugin(t, entry, "-Wl,-soname=avir_test.so"), retag(elf.DT_SONAME, elf.DT_NULL))
		}, "disagree about the dynamic section"},
		{"with symbol versions that run in a circle", func(t *testing.T) string {
			path := plugin(t, calls("one", "two"), stub(t, "libc.so.6", map[string]string{"GLIBC_2.0": "one", "GLIBC_2.1": "two"}))
			return patched(t, path, func(data []byte, file *elf.File) {
				need := file.SectionByType(elf.SHT_GNU_VERNEED).Offset
				binary.LittleEndian.PutUint32(data[need+12:], 1)
			})
		}, "symbol versions is not a chain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := tt.file(t)
			report, err := File(path, policy)
			require.ErrorContains(t, err, tt.message)
			assert.ErrorContains(t, err, path)
			assert.NotContains(t, err.Error(), "\n")
			assert.Nil(t, report)
		})
	}
}

func TestProgramIsAuditedForWhatItNeeds(t *testing.T) {
	libc := stub(t, "libc.so.6", map[string]string{"GLIBC_2.0": "read", "GLIBC_2.33": "stat"})
	program := func(source string, args ...string) string {
		return gcc(t, "avserver", source, append([]string{"-Wl,-z,now", libc}, args...)...)
	}
	good := program("int read(void); void _start(void) { read(); }", "-pie", "-fPIE", "-s")
	report, err := Program(good, policy)
	require.NoError(t, err)
	require.NoError(t, report.Err())
	assert.Equal(t, []string{"libc.so.6"}, report.Needed)

	bad := program(`int stat(void), pthread_create(void); void _start(void) { stat() + pthread_create(); }
__asm__(".section .note.ABI-tag,\"a\",@note; .long 4,16,1; .asciz \"GNU\"; .long 0,3,2,0; .text");`,
		"-no-pie", stub(t, "libpthread.so.0", map[string]string{"GLIBC_2.34": "pthread_create"}))
	report, err = Program(bad, policy)
	require.NoError(t, err)
	for _, rule := range []string{"glibc-floor", "stat@GLIBC_2.33", "pthread_create@GLIBC_2.34", "kernel-floor", "Linux 3.2.0"} {
		assert.ErrorContains(t, report.Err(), rule)
	}
}

// section lets change write to the first section header of a type.
func section(data []byte, file *elf.File, kind elf.SectionType, change func(header []byte)) {
	at := int(binary.LittleEndian.Uint32(data[32:]))
	for i, s := range file.Sections {
		if s.Type == kind {
			change(data[at+40*i:])
			return
		}
	}
}

// shorten makes the first section of a type some bytes shorter.
func shorten(kind elf.SectionType, by uint32) func([]byte, *elf.File) {
	return func(data []byte, file *elf.File) {
		section(data, file, kind, func(header []byte) {
			binary.LittleEndian.PutUint32(header[20:], binary.LittleEndian.Uint32(header[20:])-by)
		})
	}
}

func TestLibraryCutOffAnywhereIsRefused(t *testing.T) {
	data, err := os.ReadFile(plugin(t, entry))
	require.NoError(t, err)
	_, err = parse(data)
	require.NoError(t, err)
	for size := range data {
		_, err := parse(data[:size])
		require.Error(t, err, "%d of %d bytes", size, len(data))
	}
}

// auditBytes is what File does after reading, for bytes that may be anything.
func auditBytes(data []byte) {
	if lib, err := parse(data); err == nil {
		_, _ = lib.audit(policy)
	}
}

func TestLibraryWithAnyByteDamagedIsAuditedWithoutPanic(t *testing.T) {
	libc := stub(t, "libc.so.6", map[string]string{"GLIBC_2.0": "one", "GLIBC_2.12": "two"})
	data, err := os.ReadFile(plugin(t, calls("one", "two", "three"), libc))
	require.NoError(t, err)
	for at := range data {
		old := data[at]
		for _, value := range []byte{0, 0x7f, 0xff, old ^ 1} {
			data[at] = value
			require.NotPanics(t, func() { auditBytes(data) }, "byte %#x set to %#x", at, value)
		}
		data[at] = old
	}
}

func FuzzAudit(f *testing.F) {
	f.Add([]byte(elf.ELFMAG))
	if multilib() == nil {
		data, err := os.ReadFile(plugin(f, calls("nobody_has_it")))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { auditBytes(data) })
}
