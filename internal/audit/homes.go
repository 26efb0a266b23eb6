package audit

import (
	"slices"
	"strings"
)

// floorHomes are the symbols that lived outside of libc.so.6 in glibc 2.11 and
// have since moved into it. A library linked on a newer system, with the old
// versions forced by .symver, takes them from libc.so.6 and loads only where
// the host happens to have loaded the old home. Taken from the symbol lists of
// glibc 2.11 for i386, less the names that libc.so.6 had then as well (it
// forwarded pthread_mutex_lock, for instance).
var floorHomes = []struct{ library, symbols string }{
	{"libdl.so.2", `
		dladdr dladdr1 dlclose dlerror dlinfo dlmopen dlopen dlsym dlvsym`},
	{"libpthread.so.0", `
		__pthread_cleanup_routine __pthread_getspecific __pthread_key_create __pthread_mutex_destroy
		__pthread_mutex_init __pthread_mutex_lock __pthread_mutex_trylock __pthread_mutex_unlock
		__pthread_mutexattr_destroy __pthread_mutexattr_init __pthread_mutexattr_settype __pthread_once
		__pthread_register_cancel __pthread_register_cancel_defer __pthread_rwlock_destroy __pthread_rwlock_init
		__pthread_rwlock_rdlock __pthread_rwlock_tryrdlock __pthread_rwlock_trywrlock __pthread_rwlock_unlock
		__pthread_rwlock_wrlock __pthread_setspecific __pthread_unregister_cancel
		__pthread_unregister_cancel_restore __pthread_unwind_next _pthread_cleanup_pop _pthread_cleanup_pop_restore
		_pthread_cleanup_push _pthread_cleanup_push_defer pthread_atfork pthread_attr_getaffinity_np
		pthread_attr_getguardsize pthread_attr_getstack pthread_attr_getstackaddr pthread_attr_getstacksize
		pthread_attr_setaffinity_np pthread_attr_setguardsize pthread_attr_setstack pthread_attr_setstackaddr
		pthread_attr_setstacksize pthread_barrier_destroy pthread_barrier_init pthread_barrier_wait
		pthread_barrierattr_destroy pthread_barrierattr_getpshared pthread_barrierattr_init
		pthread_barrierattr_setpshared pthread_cancel pthread_condattr_getclock pthread_condattr_getpshared
		pthread_condattr_setclock pthread_condattr_setpshared pthread_create pthread_detach pthread_getaffinity_np
		pthread_getattr_np pthread_getconcurrency pthread_getcpuclockid pthread_getspecific pthread_join
		pthread_key_create pthread_key_delete pthread_kill pthread_kill_other_threads_np pthread_mutex_consistent_np
		pthread_mutex_getprioceiling pthread_mutex_setprioceiling pthread_mutex_timedlock pthread_mutex_trylock
		pthread_mutexattr_destroy pthread_mutexattr_getkind_np pthread_mutexattr_getprioceiling
		pthread_mutexattr_getprotocol pthread_mutexattr_getpshared pthread_mutexattr_getrobust_np
		pthread_mutexattr_gettype pthread_mutexattr_init pthread_mutexattr_setkind_np
		pthread_mutexattr_setprioceiling pthread_mutexattr_setprotocol pthread_mutexattr_setpshared
		pthread_mutexattr_setrobust_np pthread_mutexattr_settype pthread_once pthread_rwlock_destroy
		pthread_rwlock_init pthread_rwlock_rdlock pthread_rwlock_timedrdlock pthread_rwlock_timedwrlock
		pthread_rwlock_tryrdlock pthread_rwlock_trywrlock pthread_rwlock_unlock pthread_rwlock_wrlock
		pthread_rwlockattr_destroy pthread_rwlockattr_getkind_np pthread_rwlockattr_getpshared
		pthread_rwlockattr_init pthread_rwlockattr_setkind_np pthread_rwlockattr_setpshared pthread_setaffinity_np
		pthread_setconcurrency pthread_setschedprio pthread_setspecific pthread_sigmask pthread_sigqueue
		pthread_spin_destroy pthread_spin_init pthread_spin_lock pthread_spin_trylock pthread_spin_unlock
		pthread_testcancel pthread_timedjoin_np pthread_tryjoin_np pthread_yield sem_close sem_destroy sem_getvalue
		sem_init sem_open sem_post sem_timedwait sem_trywait sem_unlink sem_wait`},
	{"libresolv.so.2", `
		__dn_comp __dn_expand __dn_skipname __res_dnok __res_hnok __res_mailok __res_mkquery __res_nmkquery
		__res_nquery __res_nquerydomain __res_nsearch __res_nsend __res_ownok __res_query __res_querydomain
		__res_search __res_send dn_expand ns_name_compress ns_name_ntop ns_name_pack ns_name_pton ns_name_skip
		ns_name_uncompress ns_name_unpack res_mkquery res_query res_querydomain res_search`},
	{"librt.so.1", `
		__mq_open_2 aio_cancel aio_cancel64 aio_error aio_error64 aio_fsync aio_fsync64 aio_init aio_read aio_read64
		aio_return aio_return64 aio_suspend aio_suspend64 aio_write aio_write64 clock_getcpuclockid clock_getres
		clock_gettime clock_nanosleep clock_settime lio_listio lio_listio64 mq_close mq_getattr mq_notify mq_open
		mq_receive mq_send mq_setattr mq_timedreceive mq_timedsend mq_unlink shm_open shm_unlink timer_create
		timer_delete timer_getoverrun timer_gettime timer_settime`},
}

// homes makes sure that ld.so of the floor finds each symbol where it was then.
func (a *audit) homes() error {
	for _, home := range floorHomes {
		if slices.Contains(a.Needed, home.library) {
			continue
		}
		var homeless []string
		symbols := strings.Fields(home.symbols)
		for _, i := range a.Imports {
			number, _ := strings.CutPrefix(i.Version, glibcPrefix)
			tooNew := newer(number, a.policy.GlibcFloor) // has its own rule
			if !i.Weak && !tooNew && slices.Contains(symbols, i.Name) {
				homeless = append(homeless, i.String())
			}
		}
		a.addIfAny("glibc-home", Error, "needs symbols that glibc "+a.policy.GlibcFloor+" has in "+home.library+", but does not load that: link with the floor's stub libraries and -Wl,--no-as-needed", homeless)
	}
	return nil
}
