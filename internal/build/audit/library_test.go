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
		{"cut off after its class", func(t *testing.T) string {
			return written(t, elf.ELFMAG+"\x02")
		}, "is a damaged ELF file"},
		{"for another processor", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, _ *elf.File) {
				binary.LittleEndian.PutUint16(data[18:], uint16(elf.EM_ARM))
			})
		}, "is for ELFCLASS32 EM_ARM ELFDATA2LSB, and antivirus servers are linux-386, linux-amd64: build it for one of these"},
		{"for programs with short addresses on 64-bit systems (x32)", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, _ *elf.File) {
				binary.LittleEndian.PutUint16(data[18:], uint16(elf.EM_X86_64))
			})
		}, "is for ELFCLASS32 EM_X86_64 ELFDATA2LSB, and antivirus servers are"},
		{"for another system", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, _ *elf.File) { data[elf.EI_OSABI] = byte(elf.ELFOSABI_FREEBSD) })
		}, "is for ELFOSABI_FREEBSD, version 0, which ld.so refuses: build it for Linux"},
		{"for a later version of the system's interface", func(t *testing.T) string {
			return patched(t, plugin(t, entry), func(data []byte, _ *elf.File) { data[elf.EI_ABIVERSION] = 9 })
		}, "is for ELFOSABI_NONE, version 9, which ld.so refuses"},
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

func TestProgramIsAuditedForWhatItNeeds(t *testing.T) { everywhere(t, testProgram) }

func testProgram(t on) {
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

func TestLibraryCutOffAnywhereIsRefused(t *testing.T) { everywhere(t, testCutOff) }

func testCutOff(t on) {
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

func TestLibraryWithAnyByteDamagedIsAuditedWithoutPanic(t *testing.T) { everywhere(t, testDamaged) }

func testDamaged(t on) {
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
	if compiles() == nil {
		data, err := os.ReadFile(plugin(f, calls("nobody_has_it")))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { auditBytes(data) })
}
