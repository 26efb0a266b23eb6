package machines

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABoxHoldsWhatVagrantWants(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, "a.box")
	image := write(t, filepath.Join(dir, "image"), "disk")
	require.NoError(t, writeBox(box+".new", box, []byte(`{"provider":"libvirt"}`), map[string]string{"box.img": image}))
	f, err := os.Open(box)
	require.NoError(t, err)
	defer f.Close()
	r := tar.NewReader(f)
	h, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, "metadata.json", h.Name)
	h, err = r.Next()
	require.NoError(t, err)
	assert.Equal(t, "box.img", h.Name)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "disk", string(text))
}

func TestABoxThatFailedLeavesTheEarlierOne(t *testing.T) {
	dir := t.TempDir()
	box := write(t, filepath.Join(dir, "a.box"), "earlier")
	err := writeBox(box+".new", box, nil, map[string]string{"box.img": filepath.Join(dir, "missing")})
	assert.ErrorContains(t, err, "missing")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1)
	text, err := os.ReadFile(box)
	require.NoError(t, err)
	assert.Equal(t, "earlier", string(text))
}

// module writes a kernel module's file that holds nothing but what it needs.
func module(t *testing.T, path, needs string) {
	t.Helper()
	info := []byte("license=GPL\x00depends=" + needs + "\x00name=x\x00")
	names := []byte("\x00.modinfo\x00.shstrtab\x00")
	var b bytes.Buffer
	const header, section = 52, 40
	h := elf.Header32{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_386), Version: 1,
		Shoff: uint32(header + len(info) + len(names)), Ehsize: header, Shentsize: section, Shnum: 3, Shstrndx: 2}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB), 1
	for _, part := range []any{h, info, names, elf.Section32{},
		elf.Section32{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: header, Size: uint32(len(info))},
		elf.Section32{Name: 10, Type: uint32(elf.SHT_STRTAB), Off: uint32(header + len(info)), Size: uint32(len(names))},
	} {
		require.NoError(t, binary.Write(&b, binary.LittleEndian, part))
	}
	write(t, path, b.String())
}

func TestModulesComeAfterWhatTheyNeed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "boot/vmlinuz-5.10-686"), "")
	lib := filepath.Join(dir, "lib/modules/5.10-686/kernel")
	module(t, filepath.Join(lib, "fs/ext4.ko"), "jbd2,mbcache")
	module(t, filepath.Join(lib, "fs/jbd2.ko"), "")
	module(t, filepath.Join(lib, "fs/mbcache.ko"), "")
	module(t, filepath.Join(lib, "net/virtio-net.ko"), "jbd2")
	k, err := findKernel(dir)
	require.NoError(t, err)
	assert.Equal(t, "5.10-686", k.release)
	files, err := k.closure("ext4", "virtio_net")
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	assert.Equal(t, []string{"jbd2.ko", "mbcache.ko", "ext4.ko", "virtio-net.ko"}, names)
	_, err = k.closure("xfs")
	assert.EqualError(t, err, "kernel 5.10-686 has no module xfs")
}

func TestModulesThatNeedEachOtherAreAnError(t *testing.T) {
	dir := t.TempDir()
	module(t, filepath.Join(dir, "a.ko"), "b")
	module(t, filepath.Join(dir, "b.ko"), "a")
	k := &kernel{release: "x", modules: map[string]string{"a": filepath.Join(dir, "a.ko"), "b": filepath.Join(dir, "b.ko")}}
	_, err := k.closure("a")
	assert.ErrorContains(t, err, "depends on itself")
}

func TestTheRAMDiskListsItsModulesInOrder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "initrd")
	modules := []string{write(t, filepath.Join(dir, "z.ko"), "z"), write(t, filepath.Join(dir, "a.ko"), "a")}
	require.NoError(t, initrd(path, write(t, filepath.Join(dir, "busybox"), "bb"), write(t, filepath.Join(dir, "init"), "#!"), modules))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	r, found := cpio.NewReader(z), map[string]string{}
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		found[h.Name] = string(text)
	}
	assert.Equal(t, "z.ko\na.ko\n", found["modules/list"])
	assert.Equal(t, "bb", found["bin/busybox"])
	assert.Contains(t, found, "dev")
	assert.Error(t, initrd(path, "/nonexistent", "/nonexistent", nil))
}

func TestThePackageOfTheCLibraryIsAnRPM(t *testing.T) {
	data, err := providesPackage([]string{"libc.so.6(GLIBC_2.0)", "/bin/sh"})
	require.NoError(t, err)
	assert.Equal(t, []byte{0xed, 0xab, 0xee, 0xdb}, data[:4])
	assert.Contains(t, string(data), "libc.so.6(GLIBC_2.0)")
}

func TestAKitHasOnlyTheMachinesPackages(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "f"), "x")
	k := kit{"check.sh": file, "packages/new/a.deb": file, "packages/new/a.rpm": file}
	assert.Equal(t, kit{"check.sh": file, "packages/new/a.rpm": file}, k.of("rpm"))
	var b bytes.Buffer
	require.NoError(t, k.of("deb").write(&b))
	r := tar.NewReader(&b)
	var names []string
	for h, err := r.Next(); err == nil; h, err = r.Next() {
		names = append(names, h.Name)
	}
	assert.Equal(t, []string{"check.sh", "packages/new/a.deb"}, names)
	assert.ErrorContains(t, kit{"a": "/nonexistent"}.write(io.Discard), "pack a for the machine")
}

func TestTheFloorHidesNewerSystemCalls(t *testing.T) {
	args := floorArgs("/t", "avir_clam", "127.0.0.1:99", false)
	assert.Subset(t, args, []string{"all", "/t/avir_clam.so", "--kernel-floor", "2.6.32", "--quick", "Port=99"})
	full := floorArgs("/t", "avir_sample", "127.0.0.1:99", true)
	assert.NotContains(t, full, "--quick")
	assert.NotContains(t, full, "Port=99")
}
