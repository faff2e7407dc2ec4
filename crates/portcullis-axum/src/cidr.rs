//! Networks of addresses, as a host writes them: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network of addresses.
///
/// Bits behind the prefix count for nothing: `127.0.0.1/8` is `127.0.0.0/8`. An address without a prefix is a network
/// of one. An IPv4 address written as IPv6 is the IPv4 address, here and in [`Cidr::contains`].
///
/// ```
/// use portcullis_axum::Cidr;
/// let network: Cidr = "10.0.0.0/8".parse().unwrap();
/// assert!(network.contains("10.1.2.3".parse().unwrap()));
/// assert!(!network.contains("11.0.0.1".parse().unwrap()));
/// assert!("10.0.0.0/33".parse::<Cidr>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr(Network);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    V4 { network: u32, prefix: u32 },
    V6 { network: u128, prefix: u32 },
}

/// A text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address, or an address, `/` and the length of its prefix, such as 10.0.0.0/8")]
#[non_exhaustive]
pub struct CidrError;

impl Cidr {
    /// Makes the network of an address and the length of its prefix in bits, 0 to 32 or 128.
    ///
    /// # Errors
    /// [`CidrError`] when the prefix is longer than the address.
    pub fn new(address: IpAddr, prefix: u32) -> Result<Self, CidrError> {
        let width = if address.is_ipv4() { u32::BITS } else { u128::BITS };
        if prefix > width {
            return Err(CidrError);
        }
        let mapped = address.is_ipv6() && address.to_canonical().is_ipv4() && prefix >= 96;
        Ok(Self(match address {
            IpAddr::V4(address) => v4(address, prefix),
            IpAddr::V6(address) => match address.to_canonical() {
                IpAddr::V4(address) if mapped => v4(address, prefix - 96),
                IpAddr::V4(_) | IpAddr::V6(_) => v6(address, prefix),
            },
        }))
    }

    /// Whether an address is of this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.0, address.to_canonical()) {
            (Network::V4 { network, prefix }, IpAddr::V4(address)) => {
                address.to_bits() & mask_v4(prefix) == network
            }
            (Network::V6 { network, prefix }, IpAddr::V6(address)) => {
                address.to_bits() & mask_v6(prefix) == network
            }
            (Network::V4 { .. }, IpAddr::V6(_)) | (Network::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }
}

impl From<IpAddr> for Cidr {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => v4(address, u32::BITS),
            IpAddr::V6(address) => v6(address, u128::BITS),
        })
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let Some((address, prefix)) = text.split_once('/') else {
            return text.parse::<IpAddr>().map(Self::from).map_err(|_| CidrError);
        };
        // `parse` of a number also takes a sign and leading zeros.
        if prefix.len() > 3 || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CidrError);
        }
        let address = address.parse().map_err(|_| CidrError)?;
        Self::new(address, prefix.parse().map_err(|_| CidrError)?)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Network::V4 { network, prefix } => write!(f, "{}/{prefix}", Ipv4Addr::from_bits(network)),
            Network::V6 { network, prefix } => write!(f, "{}/{prefix}", Ipv6Addr::from_bits(network)),
        }
    }
}

fn v4(address: Ipv4Addr, prefix: u32) -> Network {
    Network::V4 { network: address.to_bits() & mask_v4(prefix), prefix }
}

fn v6(address: Ipv6Addr, prefix: u32) -> Network {
    Network::V6 { network: address.to_bits() & mask_v6(prefix), prefix }
}

/// The prefix as ones; a shift by the whole width, for an empty prefix, leaves none.
fn mask_v4(prefix: u32) -> u32 {
    u32::MAX.checked_shl(u32::BITS.saturating_sub(prefix)).unwrap_or(0)
}

fn mask_v6(prefix: u32) -> u128 {
    u128::MAX.checked_shl(u128::BITS.saturating_sub(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        network.parse::<Cidr>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_is_in_a_network_by_its_prefix_alone() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("127.0.0.1/8", "127.9.9.9", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1/31", "192.0.2.0", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.9", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("::1", "::1", true),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "11.1.1.1", false),
        ] {
            assert_eq!(holds(network, address), inside, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
            "a/8",
            "10.0.0.0/0008",
            "10.0.0.0/8/8",
            "localhost",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(CidrError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_network_holds_its_own_address_and_is_read_back(bits: u128, v4: bool, prefix in 0_u32..=128) {
            let address = if v4 {
                IpAddr::from(Ipv4Addr::from_bits(u32::try_from(bits & 0xFFFF_FFFF).unwrap()))
            } else {
                IpAddr::from(Ipv6Addr::from_bits(bits))
            };
            prop_assume!(v4 || address.to_canonical().is_ipv6());
            if let Ok(network) = Cidr::new(address, prefix) {
                prop_assert!(network.contains(address));
                prop_assert_eq!(network.to_string().parse::<Cidr>().unwrap(), network);
            } else {
                prop_assert!(v4 && prefix > 32);
            }
        }
    }
}
