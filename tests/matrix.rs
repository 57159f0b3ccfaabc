//! Every cause on every sample: a cause that begins to claim something anywhere, or stops to, changes a line here.

mod sample;

use sockdiag::causes::CAUSES;
use sockdiag::config::Thresholds;
use sockdiag::diagnosis::with_case;
use sockdiag::host;

/// One line for each claim: the cause, the class, the weight of its evidence, and the pile it is about. Causes that claim nothing of a
/// sample have no line; a sample of which nothing is claimed says so.
#[test]
fn every_cause_on_every_sample() {
    let mut table = String::new();
    for sample in sample::all() {
        table.push_str(&format!("{}\n", sample.name));
        let (sources, hosts) = host::hosts(vec![sample::read(&sample.members())]);
        let mut any = false;
        for host in &hosts {
            with_case(&sources, &hosts, host, &Thresholds::default(), |case| {
                for claim in CAUSES.iter().flat_map(|c| c.weigh(case)) {
                    any = true;
                    let class = sample::class(claim.class);
                    let kind = claim.kind.map_or("-", |k| k.word());
                    let owner = claim.owner.as_ref().map_or("-".to_string(), |o| o.named());
                    table.push_str(&format!("  {:<26} {class:<10} {:>4}  {kind} {owner}\n", claim.code, claim.score()));
                }
            });
        }
        if !any {
            table.push_str("  no cause claims anything\n");
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("matrix", table);
    });
}
