//! A model test: random sequences of operations on a whole engine, each answer compared with a small reference model,
//! and the invariants of the documentation asked after every step.
//!
//! The model is written out of the documentation, with its own numbers: it shares no rule and no number with the
//! engine. A sequence that fails is shrunk by dropping commands, and the seed is printed.
//!
//! ```
//! use std::sync::Arc;
//! use portcullis::memory::MemoryStore;
//! use portcullis::testing::machine::{self, Plan};
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! let store = || async { Arc::new(MemoryStore::new()) as Arc<_> };
//! let transcript = runtime.block_on(machine::run(store, &Plan::new(1, 3, 20)));
//! assert_eq!(transcript.answers.len(), 60);
//! # Ok::<(), std::io::Error>(())
//! ```

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::wildcard_enum_match_arm,
    reason = "each part takes its own commands of one long list; and a model has one way to fail, said once in the docs of the module: it panics with a sentence"
)]

mod acts;
mod command;
mod model;
mod player;
mod recorder;
mod step;

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use self::command::{Command, Dice};
use self::player::Player;
use crate::error::Error;
use crate::policy::Policy;
use crate::port::store::Store;
use crate::testing::World;
use crate::testing::world::WorldOptions;

/// Sequences that share one engine and, if it is given so, one store.
const BATCH: u64 = 4;

/// How much is played.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The seed of everything.
    pub seed: u64,
    /// How many sequences.
    pub sequences: u64,
    /// Commands in each sequence.
    pub length: usize,
    /// The policy of the engine; the model always expects the default one.
    pub policy: Policy,
}

impl Plan {
    /// So many sequences of so many commands under the default policy.
    pub fn new(seed: u64, sequences: u64, length: usize) -> Self {
        Self { seed, sequences, length, policy: Policy::default() }
    }
}

/// What was answered and kept: equal for equal plans on every store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transcript {
    /// Every answer, in order.
    pub answers: Vec<String>,
    /// How often each action stands in the trail.
    pub trail: BTreeMap<String, u64>,
    /// How many mails were taken over.
    pub mails: usize,
}

/// A sequence that broke something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The seed of the plan.
    pub seed: u64,
    /// Which sequence of the plan.
    pub sequence: u64,
    /// The invariant it breaks, by its id, and how.
    pub why: String,
    /// What is left of the sequence after shrinking, a command in each line.
    pub commands: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, sequence {}: {}", self.seed, self.sequence, self.why)?;
        self.commands.iter().try_for_each(|command| write!(f, "\n  {command}"))
    }
}

/// Plays a plan, and panics with the shrunk sequence when something is broken.
///
/// `make_store` is called for every 4 sequences and may give the same store again; a store must not see one seed
/// twice.
pub async fn run<F, Fut>(make_store: F, plan: &Plan) -> Transcript
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    match check(make_store, plan).await {
        Ok(transcript) => transcript,
        Err(failure) => panic!("{failure}"),
    }
}

/// Plays a plan, as [`run`] does.
///
/// # Errors
/// [`Failure`] when something is broken.
pub async fn check<F, Fut>(make_store: F, plan: &Plan) -> Result<Transcript, Failure>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    let mut transcript = Transcript::default();
    let mut batch = None;
    for sequence in 0..plan.sequences {
        if sequence % BATCH == 0 || batch.is_none() {
            batch = Some(Batch::new(make_store().await, plan, sequence));
        }
        let Some(batch) = &batch else { continue };
        let mut dice = Dice::new(plan.seed.wrapping_mul(0x1_0000_0001).wrapping_add(sequence));
        let commands = dice.commands(plan.length);
        if let Err(why) = batch.play(&commands, sequence, &mut transcript).await {
            let (why, commands) = shrink(&make_store, plan, commands, why).await;
            let commands = commands.iter().map(|command| format!("{command:?}")).collect();
            return Err(Failure { seed: plan.seed, sequence, why, commands });
        }
    }
    Ok(transcript)
}

/// One engine on one store.
struct Batch {
    world: World,
    recorder: Arc<recorder::Recorder>,
}

impl Batch {
    fn new(store: Arc<dyn Store>, plan: &Plan, nth: u64) -> Self {
        let recorder = player::stage(store);
        let options = WorldOptions {
            store: Arc::clone(&recorder) as Arc<dyn Store>,
            policy: plan.policy.clone(),
            seed: plan.seed.wrapping_mul(1_000_003).wrapping_add(nth),
            ..WorldOptions::default()
        };
        Self { world: World::with(options), recorder }
    }

    async fn play(&self, commands: &[Command], nth: u64, into: &mut Transcript) -> Result<(), String> {
        let unready = |error: Error| format!("a sequence can't begin: {error}");
        let mut player = Player::new(&self.world, &self.recorder, nth).await.map_err(unready)?;
        let mails = self.world.mailbox.mails().len();
        for command in commands {
            into.answers.push(player.play(*command, &mut into.trail).await?);
        }
        into.mails += self.world.mailbox.mails().len() - mails;
        Ok(())
    }
}

/// Drops commands while the rest still fails.
async fn shrink<F, Fut>(
    make_store: &F,
    plan: &Plan,
    mut commands: Vec<Command>,
    mut why: String,
) -> (String, Vec<Command>)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    // On a shared store every try needs names of its own.
    let mut nth = 1_000_000;
    let mut size = commands.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < commands.len() {
            let mut fewer = commands.clone();
            fewer.drain(from..(from + size).min(fewer.len()));
            nth += 1;
            let batch = Batch::new(make_store().await, plan, nth);
            match batch.play(&fewer, nth, &mut Transcript::default()).await {
                Err(again) => (commands, why) = (fewer, again),
                Ok(()) => from += size,
            }
        }
        size /= 2;
    }
    (why, commands)
}
