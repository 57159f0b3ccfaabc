//! Connections of a server that became many more within seconds: a load that grows looks the same as clients that nobody ends.

use super::unjudged::Unjudged;
use crate::causes::{Case, Missing, number, suspect};
use crate::ledger::{Kind, Pile};

/// What a rise within seconds leaves open.
pub fn unjudged(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let accepted = pile.kind == Kind::Established && pile.accepted == Some(true) && pile.count >= case.thresholds.established;
    let owner = pile.owner.as_ref().filter(|_| accepted)?;
    let growth = case.growth(pile).filter(|g| g.is_sudden() && g.to >= g.from.saturating_mul(2))?;
    let seconds = growth.seconds?;
    suspect(case, pile).is_none().then(|| Unjudged {
        says: format!(
            "{} holds {} connections that it accepted, {} more than {seconds} s before, and so short a time cannot tell a load that grows from clients that nobody ends",
            owner.named(),
            number(growth.to as i64),
            number(growth.to.saturating_sub(growth.from) as i64)
        ),
        missing: Missing {
            what: "the same rows a few minutes later, with their idle times".into(),
            would: "tell connections in use from those that were forgotten".into(),
            command: "sudo ss -tanpoei".into(),
        },
    })
}
