//! Sockets that the kernel itself fails to free.

use super::Case;
use super::claim::Claim;

cause! {
    /// A reference in the kernel is lost: sockets stay allocated although no process, namespace, message in flight or kernel user
    /// holds them. Very rare; claimed only when everything else has been excluded.
    ///
    /// # How it looks
    /// - sockstat: alloc grows, and all processes of all namespaces, listed with privilege, do not explain it.
    /// - `ss -s`: closed minus timewait the same. ss, netstat, lsof: nothing for them.
    /// - /proc/slabinfo: TCP and TCPv6 objects as many as alloc. /proc/net/protocols agrees.
    /// - The number survives the end of every suspected program.
    /// - log: kernel lines such as `refcount_t: underflow`, `sk_refcnt`, `unregister_netdevice: waiting for lo to become free`.
    ///
    /// # Evidence for
    /// - Everything else ruled out, by a capture of all namespaces; a reproduction on one kernel version and not on another.
    ///
    /// # Evidence against
    /// - Almost anything: containers, io_uring registered files, SCM_RIGHTS, NFS, RPC and iSCSI in the kernel, BPF sockmaps, MPTCP
    ///   subflows.
    ///
    /// # Mistaken for
    /// - `owner-not-visible` and `in-flight`, which are far more likely.
    ///
    /// # Confirm
    /// - Capture all namespaces as root: `lsns -t net`, `/proc/PID/net/sockstat` of each, `/proc/*/fd`.
    /// - Stop programs one by one and watch `grep TCP: /proc/net/sockstat`.
    /// - Kernel sockets: `nfsstat`, `ss -tanpe | grep -v users:`; `bpftool map`.
    ///
    /// # Now
    /// - Reboot; move the load to another kernel.
    ///
    /// # For good
    /// - A newer kernel, or the distribution's fix; report it with the reproduction.
    /// - Docker: endless create and delete of network namespaces is what such bugs need: reuse them.
    ///
    /// # References
    /// net/core/sock.c `sk_alloc` and `sk_free`; Documentation/networking in the kernel tree.
    KernelLeak, "kernel-leak", leak, "the kernel counts sockets that nobody can hold", weigh
}

/// Never claimed from one capture: the candidates that a capture cannot exclude (other namespaces, messages in flight, io_uring, kernel
/// users such as NFS) are all more likely, so the unexplained rest is reported as `owner-not-visible` with what would decide.
fn weigh(_case: &Case<'_>) -> Vec<Claim> {
    Vec::new()
}
