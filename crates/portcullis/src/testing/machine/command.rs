//! What may happen in a sequence, and how sequences are drawn.

/// Which code is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bring {
    /// The newest one mailed for the challenge.
    Right,
    /// One that was never mailed.
    Wrong,
    /// An older one of the challenge.
    Old,
    /// The newest one of another challenge.
    Foreign,
}

/// Who acts: the program, or a session counted back from the newest.
pub(super) type By = Option<u8>;

/// One thing that happens. Sessions, challenges and devices are counted back from the newest, so that a sequence still
/// means something after commands were dropped from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    SignIn { user: u8, right: bool, source: u8, device: Option<u8> },
    Code { challenge: u8, bring: Bring, source: u8, session: Option<u8> },
    Resend { challenge: u8 },
    ResendEmail { session: u8, challenge: u8 },
    ResendTwoFactor { session: u8, challenge: u8 },
    SignOut { session: u8 },
    Current { session: u8 },
    SetEmail { session: u8, address: u8 },
    ConfirmEmail { session: u8, challenge: u8, bring: Bring },
    CancelEmail { session: u8 },
    ClearEmail { session: u8 },
    AskTwoFactor { session: u8, address: Option<u8> },
    Enable { session: u8, challenge: u8, bring: Bring },
    Disable { session: u8 },
    CancelTwoFactor { session: u8 },
    Reauthenticate { session: u8, right: bool },
    Settings { session: u8 },
    SetDisabled { by: By, user: u8, on: bool },
    SetBlocked { account: u8, on: bool },
    SetDays { account: u8, left: Option<u8> },
    SetFlags { by: By, user: u8, flags: u8 },
    GrantOnUser { by: By, user: u8, to: u8, rights: u8 },
    GrantOnAccount { by: By, account: u8, to: u8, on: bool },
    Work,
    MailDown { on: bool },
    Clock { seconds: i64 },
}

/// Draws numbers: the same seed gives the same ones.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, sides: u8) -> u8 {
        u8::try_from(self.next() % u64::from(sides.max(1))).unwrap_or(0)
    }

    fn chance(&mut self, of_ten: u8) -> bool {
        self.below(10) < of_ten
    }

    /// Mostly the newest.
    fn back(&mut self) -> u8 {
        if self.chance(6) { 0 } else { self.below(4) }
    }

    fn bring(&mut self) -> Bring {
        match self.below(10) {
            0..6 => Bring::Right,
            6..8 => Bring::Wrong,
            8 => Bring::Old,
            _ => Bring::Foreign,
        }
    }

    fn by(&mut self) -> By {
        if self.chance(7) { Some(self.below(5)) } else { None }
    }

    fn jump(&mut self) -> i64 {
        const JUMPS: [i64; 14] = [1, 29, 31, 60, 61, 300, 601, 901, 960, 3_600, 46_000, -30, -700, -7_200];
        JUMPS.get(usize::from(self.below(14))).copied().unwrap_or(1)
    }

    /// Draws a sequence. Most begin where something may happen; now and then the same thing happens many times, with or
    /// without a pause, as when somebody guesses.
    pub(super) fn commands(&mut self, length: usize) -> Vec<Command> {
        let mut commands = self.beginning();
        while commands.len() < length {
            let command = self.command();
            let times = if self.below(8) == 0 { 3 + self.below(10) } else { 1 };
            let pause = self.chance(4);
            for nth in 0..times {
                if nth > 0 && pause {
                    commands.push(Command::Clock { seconds: 61 });
                }
                commands.push(command);
            }
        }
        commands.truncate(length);
        commands
    }

    fn beginning(&mut self) -> Vec<Command> {
        let sign_in = |user| Command::SignIn { user, right: true, source: 0, device: None };
        let right = Bring::Right;
        match self.below(5) {
            0 => Vec::new(),
            1 => vec![sign_in(0), sign_in(1)],
            2 => vec![
                sign_in(1),
                Command::SetEmail { session: 0, address: 2 + self.below(2) },
                Command::Work,
                Command::ConfirmEmail { session: 0, challenge: 0, bring: right },
            ],
            _ => vec![
                sign_in(2),
                Command::AskTwoFactor { session: 0, address: None },
                Command::Work,
                Command::Enable { session: 0, challenge: 0, bring: right },
                sign_in(2),
                Command::Work,
            ],
        }
    }

    fn command(&mut self) -> Command {
        let session = self.back();
        let challenge = self.back();
        let bring = self.bring();
        match self.below(66) {
            0..9 => Command::SignIn {
                user: self.below(13) / 4,
                right: self.chance(7),
                source: self.below(2),
                device: if self.chance(3) { Some(self.back()) } else { None },
            },
            9..18 => Command::Code {
                challenge,
                bring,
                source: self.below(2),
                session: if self.chance(4) { Some(session) } else { None },
            },
            18 => Command::Resend { challenge },
            19 => Command::ResendEmail { session, challenge },
            20 => Command::ResendTwoFactor { session, challenge },
            21 => Command::SignOut { session },
            22..24 => Command::Current { session },
            24..28 => Command::SetEmail { session, address: self.below(4) },
            28..33 => Command::ConfirmEmail { session, challenge, bring },
            33 => Command::CancelEmail { session },
            34 => Command::ClearEmail { session },
            35..39 => {
                let address = if self.chance(4) { Some(self.below(4)) } else { None };
                Command::AskTwoFactor { session, address }
            }
            39..44 => Command::Enable { session, challenge, bring },
            44 => Command::Disable { session },
            45 => Command::CancelTwoFactor { session },
            46 => Command::Reauthenticate { session, right: self.chance(7) },
            47 => Command::Settings { session },
            48 => Command::SetDisabled { by: self.by(), user: self.below(3), on: self.chance(5) },
            49 => Command::SetBlocked { account: self.below(2), on: self.chance(4) },
            50 => Command::SetFlags { by: self.by(), user: self.below(3), flags: self.below(16) },
            51 => {
                let (by, user, to) = (self.by(), self.below(3), self.below(3));
                Command::GrantOnUser { by, user, to, rights: self.below(8) }
            }
            52 => {
                let (by, account, to) = (self.by(), self.below(2), self.below(3));
                Command::GrantOnAccount { by, account, to, on: self.chance(6) }
            }
            53..60 => Command::Work,
            64..66 => {
                let left = if self.chance(7) { Some(self.below(3)) } else { None };
                Command::SetDays { account: self.below(2), left }
            }
            60 => Command::MailDown { on: self.chance(4) },
            _ => Command::Clock { seconds: self.jump() },
        }
    }
}
