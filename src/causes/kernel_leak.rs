//! Sockets that the kernel itself fails to free.

use super::Case;
use super::claim::Claim;

cause! {
    /// A reference in the kernel is lost: sockets stay allocated although no process, namespace, message in flight or kernel user holds
    /// them.
    ///
    /// # How it looks
    /// alloc grows, all processes of all namespaces were listed with privilege, and the rest stays.
    ///
    /// # Evidence for
    /// Everything else ruled out.
    ///
    /// # Evidence against
    /// Almost anything: containers, io_uring, SCM_RIGHTS, NFS and other kernel users.
    ///
    /// # Mistaken for
    /// owner-not-visible.
    ///
    /// # Confirm
    /// Capture all namespaces as root; stop programs one by one and watch alloc.
    ///
    /// # Now
    /// Reboot.
    ///
    /// # For good
    /// A newer kernel.
    ///
    /// # References
    /// net/core/sock.c.
    KernelLeak, "kernel-leak", leak, "the kernel counts sockets that nobody can hold", weigh
}

/// Never claimed from one capture: the candidates that a capture cannot exclude (other namespaces, messages in flight, io_uring, kernel
/// users such as NFS) are all more likely, so the unexplained rest is reported as `owner-not-visible` with what would decide.
fn weigh(_case: &Case<'_>) -> Vec<Claim> {
    Vec::new()
}
