package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// findings audits a library and returns what a rule said, by rule.
func findings(t testing.TB, path string) (*Report, map[string]Finding) {
	t.Helper()
	report, err := File(path, policy)
	require.NoError(t, err)
	byRule := map[string]Finding{}
	for _, f := range report.Findings {
		byRule[f.Rule] = f
	}
	return report, byRule
}

func TestCLibraryThatKeepsEveryRulePasses(t *testing.T) {
	everywhere(t, testCLibraryThatKeepsEveryRule)
}

func testCLibraryThatKeepsEveryRule(t on) {
	libc := stub(t, "libc.so.6", map[string]string{"GLIBC_2.0": "read", "GLIBC_2.11": "execvpe", "GLIBC_2.3.4": "__vsnprintf_chk"})
	libpthread := stub(t, "libpthread.so.0", map[string]string{"GLIBC_2.1": "pthread_create"})
	report, byRule := findings(t, plugin(t, `
int read(void), execvpe(void), __vsnprintf_chk(void), pthread_create(void);
__attribute__((weak)) int later(void);
static __thread int small __attribute__((tls_model("initial-exec")));
void *get_plugin_extended_iface(unsigned *v) {
	*v = read() + execvpe() + __vsnprintf_chk() + pthread_create() + small++ + (later ? later() : 0);
	return 0;
}`, libc, libpthread, "-Wl,-soname=avir_test.so"))
	require.NoError(t, report.Err())
	assert.Equal(t, []string{"libc.so.6", "libpthread.so.0"}, report.Needed)
	assert.Equal(t, []string{"get_plugin_extended_iface"}, report.Exports)
	assert.Equal(t, "2.11", report.Glibc)
	assert.Equal(t, "avir_test.so", report.Soname)
	assert.Contains(t, report.Imports, Import{Name: "pthread_create", Version: "GLIBC_2.1", Library: "libpthread.so.0"})
	assert.Equal(t, []string{"BIND_NOW", "NODELETE", "RELRO", "STATIC_TLS"}, report.Flags)
	assert.EqualValues(t, 4, report.TLSBytes)
	assert.Len(t, report.BuildID, 40)
	assert.True(t, report.Stripped)
	assert.Nil(t, report.Go)
	assert.Equal(t, []string{"later"}, byRule["weak"].Symbols)
	assert.Contains(t, byRule["kernel-unknown"].Message, "--kernel-floor 2.6.32")
	assert.Len(t, byRule, 2, "%v", report.Findings)
}

func TestEachSinIsNamedByItsRule(t *testing.T) {
	tests := []struct {
		name    string
		library func(t on) string
		rule    string
		message string
		symbols []string
	}{
		{"a second exported function", func(t on) string {
			return plugin(t, entry+"int crosscall2; int fatalf(void) { return 0; }", "-Wl,--version-script="+versionScript(t, "*"))
		}, "extra-export", "exports more than the host looks up", []string{"crosscall2", "fatalf"}},
		{"no exported function", func(t on) string {
			return plugin(t, "static "+entry)
		}, "export", "does not export the function", []string{"get_plugin_extended_iface"}},
		{"data instead of the function", func(t on) string {
			return plugin(t, "int get_plugin_extended_iface = 1;")
		}, "export", "as STT_OBJECT, not as a function", []string{"get_plugin_extended_iface"}},
		{"a weak function", func(t on) string {
			return plugin(t, "__attribute__((weak)) "+entry)
		}, "export", "as STB_WEAK", []string{"get_plugin_extended_iface"}},
		{"a protected function", func(t on) string {
			return plugin(t, `__attribute__((visibility("protected"))) `+entry)
		}, "export", "STV_PROTECTED", []string{"get_plugin_extended_iface"}},
		{"a library that old systems lack", func(t on) string {
			return plugin(t, entry, stub(t, "libgcc_s.so.1", nil), stub(t, "libfoo.so", nil))
		}, "needed", "link a static archive of each (-l:libNAME.a), or load it with dlopen", []string{"libfoo.so", "libgcc_s.so.1"}},
		{"a newer symbol version", func(t on) string {
			return plugin(t, calls("stat", "fine"), stub(t, "libc.so.6", map[string]string{"GLIBC_2.33": "stat", "GLIBC_2.9": "fine"}))
		}, "glibc-floor", "newer than glibc 2.11", []string{"stat@GLIBC_2.33 (libc.so.6)"}},
		{"a weak symbol of a newer version that ld.so insists on", func(t on) string {
			path := plugin(t, "#pragma weak stat\n"+calls("stat"), stub(t, "libc.so.6", map[string]string{"GLIBC_2.33": "stat"}))
			return patched(t, path, func(data []byte, file *elf.File) {
				at := file.SectionByType(elf.SHT_GNU_VERNEED).Offset
				// The flags of the first auxiliary entry; some linkers set VER_FLG_WEAK.
				binary.LittleEndian.PutUint16(data[at+16+4:], 4)
			})
		}, "glibc-floor", "newer than glibc 2.11", []string{"stat@GLIBC_2.33 (libc.so.6)"}},
		{"a strong symbol of a version that is wanted weakly", func(t on) string {
			path := plugin(t, calls("stat"), stub(t, "libc.so.6", map[string]string{"GLIBC_2.33": "stat"}))
			return patched(t, path, func(data []byte, file *elf.File) {
				at := file.SectionByType(elf.SHT_GNU_VERNEED).Offset
				binary.LittleEndian.PutUint16(data[at+16+4:], uint16(elf.VER_FLG_WEAK))
			})
		}, "glibc-floor", "newer than glibc 2.11", []string{"stat@GLIBC_2.33 (libc.so.6)"}},
		{"a newer version that no symbol has", func(t on) string {
			path := plugin(t, calls("fine"), stub(t, "libc.so.6", map[string]string{"GLIBC_2.0": "fine"}))
			return patched(t, path, func(data []byte, file *elf.File) {
				names := file.SectionByType(elf.SHT_DYNAMIC).Link
				at := bytes.Index(data[file.Sections[names].Offset:], []byte("GLIBC_2.0\x00"))
				copy(data[file.Sections[names].Offset+uint64(at):], "GLIBC_9.9")
				// The symbol goes without a version.
				clear(data[file.SectionByType(elf.SHT_GNU_VERSYM).Offset:][:file.SectionByType(elf.SHT_GNU_VERSYM).Size])
			})
		}, "glibc-floor", "newer than glibc 2.11", []string{"GLIBC_9.9 (libc.so.6), by no symbol"}},
		{"glibc's internals", func(t on) string {
			return plugin(t, calls("__libc_internal"), stub(t, "libc.so.6", map[string]string{"GLIBC_PRIVATE": "__libc_internal"}))
		}, "glibc-private", "glibc's internals", []string{"__libc_internal@GLIBC_PRIVATE (libc.so.6)"}},
		{"a version that is not glibc's", func(t on) string {
			return plugin(t, calls("__udivdi4"), stub(t, "libgcc_s.so.1", map[string]string{"GCC_3.0": "__udivdi4"}))
		}, "foreign-version", "does not define", []string{"__udivdi4@GCC_3.0 (libgcc_s.so.1)"}},
		{"a symbol that no library has", func(t on) string {
			return plugin(t, calls("nobody_has_it"))
		}, "unversioned", "no library was found to have", []string{"nobody_has_it"}},
		{"a symbol that has moved into libc since", func(t on) string {
			return plugin(t, calls("pthread_create", "pthread_mutex_lock"), stub(t, "libc.so.6", map[string]string{"GLIBC_2.1": "pthread_create", "GLIBC_2.0": "pthread_mutex_lock"}))
		}, "glibc-home", "glibc 2.11 has in libpthread.so.0", []string{"pthread_create@GLIBC_2.1 (libc.so.6)"}},
		{"versions of a library that is not loaded", func(t on) string {
			path := plugin(t, calls("dlopen"), stub(t, "libdl.so.2", map[string]string{"GLIBC_2.1": "dlopen"}))
			return patched(t, path, retag(elf.DT_NEEDED, elf.DT_DEBUG))
		}, "version-library", "libraries that it does not load", []string{"libdl.so.2"}},
		{"code that ld.so must patch", func(t on) string {
			flags := []string{"-fno-pic", "-Wl,-z,notext", stub(t, "libc.so.6", map[string]string{"GLIBC_2.0": "read"})}
			if t.platform.PointerSize == 8 { // where the usual code can't be linked at all
				flags = append(flags, "-mcmodel=large")
			}
			return plugin(t, calls("read"), flags...)
		}, "textrel", "compile all C and assembler code with -fPIC", []string{"read R_"}},
		{"lazy binding", func(t on) string {
			return plugin(t, entry, "-Wl,-z,lazy")
		}, "bind-now", "-Wl,-z,now", nil},
		{"no RELRO", func(t on) string {
			return plugin(t, entry, "-Wl,-z,norelro")
		}, "relro", "-Wl,-z,relro", nil},
		{"an executable stack", func(t on) string {
			return plugin(t, entry, "-Wl,-z,execstack")
		}, "executable-stack", "asks for an executable stack", nil},
		{"silence about the stack", func(t on) string {
			return patched(t, plugin(t, entry), func(data []byte, file *elf.File) {
				for i, p := range file.Progs {
					if p.Type == elf.PT_GNU_STACK {
						binary.LittleEndian.PutUint32(data[segmentHeader(file, i):], uint32(elf.PT_NULL))
					}
				}
			})
		}, "executable-stack", "does not say", nil},
		{"writable code", func(t on) string {
			return plugin(t, entry+`__asm__(".section .patchme,\"awx\",@progbits; nop; .text");`)
		}, "writable-code", "both writable and executable", []string{"0x"}},
		{"a program interpreter", func(t on) string {
			return plugin(t, entry+`const char interp[] __attribute__((section(".interp"))) = "/lib/ld.so";`)
		}, "interp", "program interpreter", nil},
		{"an RPATH", func(t on) string {
			return plugin(t, entry, "-Wl,--disable-new-dtags,-rpath=/build/lib")
		}, "rpath", "folders of the build machine", []string{"RPATH /build/lib"}},
		{"a RUNPATH", func(t on) string {
			return plugin(t, entry, "-Wl,--enable-new-dtags,-rpath=/build/lib")
		}, "rpath", "folders of the build machine", []string{"RUNPATH /build/lib"}},
		{"a filter", func(t on) string {
			return plugin(t, entry, "-Wl,--filter=libc.so.6")
		}, "dynamic-tags", "how other libraries are found", []string{"DT_FILTER"}},
		{"no hash table", func(t on) string {
			return patched(t, plugin(t, entry, "-Wl,--hash-style=gnu"), retag(elf.DT_GNU_HASH, elf.DT_DEBUG))
		}, "hash", "dlsym finds nothing", nil},
		{"much static TLS", func(t on) string {
			return plugin(t, `static __thread char big[65];
void *get_plugin_extended_iface(unsigned *v) { return big + *v; }`, "-ftls-model=initial-exec")
		}, "static-tls", "takes 65 bytes of static TLS", nil},
		{"packed relative relocations", func(t on) string {
			return plugin(t, "int a, b; int *p[] = {&a, &b, &a, &b};"+entry, "-Wl,-z,pack-relative-relocs")
		}, "packed-relocations", "does not know", []string{"DT_RELR"}},
		{"an indirect function", func(t on) string {
			return plugin(t, `static int one(void) { return 1; }
static void *pick(void) { return one; }
static int picked(void) __attribute__((ifunc("pick")));
void *get_plugin_extended_iface(unsigned *v) { *v = picked(); return 0; }`)
		}, "relocations", "does not apply", []string{"_IRELATIVE at"}},
		{"a newer kernel asked for", func(t on) string {
			return plugin(t, entry+`__asm__(".section .note.ABI-tag,\"a\",@note; .long 4,16,1; .asciz \"GNU\"; .long 0,3,2,0; .text");`)
		}, "kernel-floor", "newer system than Linux 2.6.32", []string{"Linux 3.2.0"}},
		{"a library that dlclose unmaps", func(t on) string {
			return patched(t, plugin(t, entry), retag(elf.DT_FLAGS_1, elf.DT_DEBUG))
		}, "nodelete", "-Wl,-z,nodelete", nil},
		{"symbols for debuggers", func(t on) string {
			return unstripped(t, entry)
		}, "stripped", "split them off", []string{".symtab"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, func(t on) {
				report, byRule := findings(t, tt.library(t))
				require.Contains(t, byRule, tt.rule, "%v", report.Findings)
				f := byRule[tt.rule]
				assert.Equal(t, Error, f.Severity)
				assert.Contains(t, f.Message, tt.message)
				require.Len(t, f.Symbols, len(tt.symbols), "%q", f.Symbols)
				for i, want := range tt.symbols {
					assert.Contains(t, f.Symbols[i], want)
				}
				assert.ErrorContains(t, report.Err(), "avir_test.so fails the audit:\n")
				assert.ErrorContains(t, report.Err(), f.String())
			})
		})
	}
}

// segmentHeader is the offset of the i-th entry in the table of segments, which
// linkers put behind the header.
func segmentHeader(file *elf.File, i int) int {
	if file.Class == elf.ELFCLASS64 {
		return 64 + 56*i
	}
	return 52 + 32*i
}

// calls is the source of a good library that needs some functions.
func calls(names ...string) string {
	declarations, sum := "", "0"
	for _, name := range names {
		declarations += "int " + name + "(void);\n"
		sum += " + " + name + "()"
	}
	return declarations + "void *get_plugin_extended_iface(unsigned *v) { *v = " + sum + "; return 0; }\n"
}
