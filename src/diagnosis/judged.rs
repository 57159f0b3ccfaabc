//! All that is asked of a case, question by question, so that those which take long are answered beside the others.

use super::finding::RuledOut;
use super::seen::{self, Seen};
use crate::causes::{CAUSES, Case, Cause, Claim};
use crate::checks::{CHECKS, Check, Checked};
use crate::parallel;
use std::collections::BTreeMap;

/// What is asked of a case, each question by itself.
enum Question {
    Check(&'static dyn Check),
    Exclusion(&'static dyn Cause),
    Claims(&'static dyn Cause),
    Processes,
}

/// What a question comes to.
enum Answer {
    Check(Checked),
    Exclusion(Option<RuledOut>),
    Claims(Vec<Claim>),
    Processes(BTreeMap<u32, Seen>),
}

/// The answers: checks, exclusions and claims each in the order of their registry.
#[derive(Default)]
pub(super) struct Judged {
    pub checks: Vec<Checked>,
    pub ruled_out: Vec<RuledOut>,
    pub claims: Vec<Claim>,
    pub processes: BTreeMap<u32, Seen>,
}

impl Question {
    fn answer(&self, case: &Case<'_>) -> Answer {
        match self {
            Question::Check(check) => Answer::Check(check.check(case)),
            Question::Exclusion(cause) => {
                Answer::Exclusion(cause.rule_out(case).map(|exclusion| RuledOut { code: cause.code(), exclusion }))
            }
            Question::Claims(cause) => Answer::Claims(cause.weigh(case)),
            Question::Processes => Answer::Processes(seen::processes(case)),
        }
    }
}

impl Judged {
    /// Asks everything. Some questions take as long as all others together, so that none waits for the one before.
    pub fn of(case: &Case<'_>) -> Judged {
        let causes = || CAUSES.iter().copied();
        let asked =
            CHECKS.iter().copied().map(Question::Check).chain(causes().map(Question::Exclusion)).chain(causes().map(Question::Claims));
        let questions: Vec<Question> = asked.chain([Question::Processes]).collect();
        let mut judged = Judged::default();
        if case.snapshot.is_large() {
            parallel::in_order(&questions, |question| question.answer(case), |_, answer| judged.take(answer));
        } else {
            questions.iter().for_each(|question| judged.take(question.answer(case)));
        }
        judged
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Check(check) => self.checks.push(check),
            Answer::Exclusion(exclusion) => self.ruled_out.extend(exclusion),
            Answer::Claims(claims) => self.claims.extend(claims),
            Answer::Processes(processes) => self.processes = processes,
        }
    }
}
