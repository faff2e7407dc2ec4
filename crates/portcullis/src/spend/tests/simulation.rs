//! A day of pumping: ten thousand numbers, a thousand sources, and people who only want to sign in.

use super::*;

const SOURCES: u64 = 1_000;
const DAY: TimeDelta = TimeDelta::hours(24);

/// A generator of numbers that repeats: its seed is all there is to it.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn small(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(u64::from(bound))).unwrap()
    }

    fn time(&mut self, within: TimeDelta) -> TimeDelta {
        let micros = u64::try_from(within.num_microseconds().unwrap()).unwrap();
        TimeDelta::microseconds(i64::try_from(self.below(micros)).unwrap())
    }
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The pump asks for its `nth` number.
    Pump(u32),
    /// The pump, which holds this number and has confirmed it, asks for a code.
    PumpConfirmed(u32),
    /// An honest user asks for a code.
    Honest(u32),
    /// Somebody new confirms a number.
    Newcomer(u32),
    /// The `nth` code that was sent is entered.
    Entered(usize),
}

/// A day, and how the pump goes about it.
struct Day {
    /// How many numbers it has that nobody means to sign in with.
    numbers: u32,
    /// The prefix of the pump's `nth` number.
    to: fn(u32) -> &'static str,
    /// Out of a hundred codes to new numbers, so many does the pump enter.
    enters: u64,
    /// Users of the pump with a number they have confirmed, each of which asks as often as it is let.
    confirmed: u32,
}

/// What came of it, in segments and requests.
#[derive(Debug, Default)]
struct Ledger {
    pumped: BTreeMap<&'static str, u32>,
    pumped_in_all: u32,
    pumped_confirmed: u32,
    honest: (u32, u32),
    newcomers: (u32, u32),
    spent: u32,
}

const HONEST: u32 = 30;

impl Day {
    fn run(&self, bench: &mut Bench, seed: u64) -> Ledger {
        let mut dice = Dice(seed);
        let mut events = std::collections::BTreeSet::new();
        // The first one opens the windows: all that follows is one day.
        events.insert((TimeDelta::zero(), Event::Honest(0)));
        for nth in 0..self.numbers {
            events.insert((dice.time(DAY), Event::Pump(nth)));
        }
        for hour in 0..24 {
            let within = |dice: &mut Dice| TimeDelta::hours(hour) + dice.time(TimeDelta::hours(1));
            events.extend((0..HONEST).map(|nth| (within(&mut dice), Event::Honest(nth))));
            events.extend(
                (0..5)
                    .map(|nth| (within(&mut dice), Event::Newcomer(nth + 5 * u32::try_from(hour).unwrap()))),
            );
            events.extend(
                (0..self.confirmed * 4).map(|nth| (within(&mut dice), Event::PumpConfirmed(nth / 4))),
            );
        }
        let (mut ledger, mut codes) = (Ledger::default(), Vec::new());
        while let Some((at, event)) = events.pop_first() {
            bench.now = began() + at;
            let (sms, enters, takes) = match event {
                Event::Entered(nth) => {
                    let charge: &Charge = &codes[nth];
                    bench.give_back(&charge.unverified().unwrap());
                    continue;
                }
                Event::Pump(nth) => {
                    let (who, from) =
                        (u128::from(10_000 + nth % 500), u128::from(20_000 + dice.below(SOURCES)));
                    (of_pump(bench, NEW, (self.to)(nth), nth, who, from), self.enters, TimeDelta::seconds(20))
                }
                Event::PumpConfirmed(nth) => {
                    let from = u128::from(20_000 + dice.below(SOURCES));
                    (
                        of_pump(bench, CONFIRMED, "3719", nth, u128::from(15_000 + nth), from),
                        0,
                        TimeDelta::zero(),
                    )
                }
                Event::Honest(nth) => {
                    let (who, from) = (u128::from(1000 + nth), u128::from(30_000 + nth / 10));
                    (
                        bench.sms(CONFIRMED, "3712", nth, who, from),
                        95,
                        TimeDelta::seconds(i64::from(10 + dice.small(120))),
                    )
                }
                Event::Newcomer(nth) => {
                    let (who, from) = (u128::from(2000 + nth), u128::from(40_000 + nth));
                    (
                        bench.sms(NEW, "4915", nth, who, from),
                        95,
                        TimeDelta::seconds(i64::from(10 + dice.small(120))),
                    )
                }
            };
            let charge = bench.send(&sms).ok();
            let sent = charge.as_ref().map_or(0, Charge::segments);
            ledger.spent += sent;
            match event {
                Event::Pump(nth) => {
                    *ledger.pumped.entry((self.to)(nth)).or_default() += sent;
                    ledger.pumped_in_all += sent;
                }
                Event::PumpConfirmed(_) => ledger.pumped_confirmed += sent,
                Event::Honest(_) => ledger.honest = (ledger.honest.0 + sent, ledger.honest.1 + 1),
                Event::Newcomer(_) => ledger.newcomers = (ledger.newcomers.0 + sent, ledger.newcomers.1 + 1),
                Event::Entered(_) => {}
            }
            if let Some(charge) = charge.filter(|_| dice.below(100) < enters) {
                events.insert((at + takes, Event::Entered(codes.len())));
                codes.push(charge);
            }
        }
        ledger
    }
}

/// The pump's users are those of other accounts.
fn of_pump(bench: &Bench, standing: Standing, prefix: &str, nth: u32, who: u128, from: u128) -> Submission {
    let phone = Phone::parse(&format!("+{prefix}{nth:07}")).unwrap();
    let account = account(100 + who % 50);
    let payer = Payer::new(&user(who, &account), &account, bench.service);
    Submission::new(&bench.keyring, &phone, standing, payer, uuid(from))
}

fn served(answers: (u32, u32)) -> bool {
    u64::from(answers.0) * 100 >= u64::from(answers.1) * 99
}

const SEED: u64 = 0x5eed;

/// A pump that never enters a code gets exactly what nobody has to have entered, in its country; where the policy does
/// not send it gets nothing; and nobody else notices.
#[test]
fn a_pump_in_one_country_gets_its_unverified_codes_and_no_more() {
    let mut bench = Bench::new();
    bench.policy.sms_prefixes = vec![PrefixRule::serve(""), PrefixRule::refuse("1876")];
    let day = Day {
        numbers: 10_000,
        to: |nth| if nth % 5 == 0 { "1876" } else { "3718" },
        enters: 0,
        confirmed: 50,
    };
    let ledger = day.run(&mut bench, SEED);
    assert_eq!(ledger.pumped["1876"], 0, "not a single one");
    assert_eq!(ledger.pumped["3718"], 250, "a quarter of what nobody has to have entered");
    assert!(served(ledger.honest) && served(ledger.newcomers), "{ledger:?}");
    assert!(ledger.pumped_confirmed <= 50 * 10, "{ledger:?}");
    assert_eq!(bench.trail.iter().filter(|line| *line == "sms_budget_alert: sms_unverified_new").count(), 1);
}

/// A pump that enters its codes is stopped by the share of its country.
#[test]
fn a_pump_that_enters_its_codes_gets_the_share_of_its_country() {
    let mut bench = Bench::new();
    let day = Day { numbers: 3000, to: |_| "3718", enters: 100, confirmed: 0 };
    let ledger = day.run(&mut bench, SEED);
    assert_eq!(ledger.pumped_in_all, 500);
    assert!(served(ledger.honest) && served(ledger.newcomers), "{ledger:?}");
}

/// A pump all over the world is stopped by the share of all.
#[test]
fn a_pump_all_over_the_world_gets_the_share_of_all() {
    const WORLD: [&str; 20] = [
        "2010", "2130", "2340", "2547", "3725", "3706", "3809", "4479", "5255", "5511", "6281", "6390",
        "8190", "8490", "9198", "9230", "9477", "9639", "9725", "9929",
    ];
    let mut bench = Bench::new();
    bench.policy.sms_in_all = Limit::new(4000, DAY);
    let day = Day {
        numbers: 3000,
        to: |nth| WORLD[usize::try_from(nth).unwrap() % WORLD.len()],
        enters: 0,
        confirmed: 0,
    };
    let ledger = day.run(&mut bench, SEED);
    let newcomers = ledger.newcomers.0;
    assert_eq!(ledger.pumped_in_all + newcomers, 1000, "a quarter of all, to the last segment");
    assert!(ledger.pumped.values().all(|each| *each <= 250), "{ledger:?}");
    assert!(served(ledger.honest), "{ledger:?}");
}

/// A pump that holds more confirmed numbers than the budgets allow for spends the budget to the last segment, and not
/// one more.
#[test]
fn what_is_spent_is_the_budget_and_not_one_more() {
    let mut bench = Bench::new();
    bench.policy.sms_unverified_per_user = Limit::new(40, DAY);
    bench.policy.sms_unverified_per_country = Limit::new(10_000, DAY);
    bench.policy.sms_per_country = Limit::new(1200, DAY);
    let day = Day { numbers: 3000, to: |_| "3718", enters: 0, confirmed: 60 };
    let ledger = day.run(&mut bench, SEED);
    assert_eq!(ledger.spent - ledger.newcomers.0, 1200, "{ledger:?}");
    let mut bench = Bench::new();
    bench.policy.sms_in_all = Limit::new(700, DAY);
    let ledger = day.run(&mut bench, SEED);
    assert_eq!(ledger.spent, 700, "{ledger:?}");
}

/// The next day is a new one: a pump that goes on gets as much again.
#[test]
fn two_days_of_pumping_are_two_budgets() {
    let mut bench = Bench::new();
    let mut pumped = 0;
    for second in 0..2 * 24 * 60 {
        bench.now = began() + TimeDelta::minutes(second);
        let nth = u32::try_from(second).unwrap();
        let sms = bench.sms(NEW, "3718", nth, 10_000 + u128::from(nth), 20_000 + u128::from(nth));
        pumped += bench.send(&sms).map_or(0, |charge| charge.segments());
    }
    assert_eq!(pumped, 2 * 250);
}
