// Package machines runs the harness in virtual machines with the systems that the
// plugins are made for, from the packages that users install.
//
// Vagrant runs the machines of vagrant/, with VirtualBox or libvirt. Root gets
// a libvirt for the time of one run, in namespaces of its own: see session.go. A process outside this one, the
// keeper, ends and removes everything as soon as this one is gone, however it
// went.
//
// Boxes makes boxes that stand in for those of Vagrant's catalogue, where
// that can't be reached. Floor is what can be shown without a machine.
package machines
