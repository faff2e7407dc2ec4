//! Where a request comes from: the socket's peer, or what a trusted proxy says of it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use crate::Cidr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of the socket, put into a request's extensions by a host that does not serve with
/// axum's `into_make_service_with_connect_info`.
///
/// ```
/// use portcullis_axum::PeerAddress;
/// let mut request = axum::http::Request::new(());
/// request.extensions_mut().insert(PeerAddress::from(std::net::IpAddr::from([192, 0, 2, 7])));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(IpAddr);

impl From<IpAddr> for PeerAddress {
    fn from(address: IpAddr) -> Self {
        Self(address)
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address.ip())
    }
}

/// Gives the client's address; `None` when the host does not say who is at the other end of the socket.
///
/// It is the peer's own address, unless the peer is of a trusted network. Then it is the last address in
/// `X-Forwarded-For` or `Forwarded` that is of none, since everything left of that is only what somebody claims. When
/// both headers are there and disagree, one of them was not written by the proxy, and neither is believed.
pub fn client_address(request: &Parts, trusted: &[Cidr]) -> Option<IpAddr> {
    let extensions = &request.extensions;
    let socket = || extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = extensions.get::<PeerAddress>().map(|peer| peer.0).or_else(socket)?.to_canonical();
    if !is_trusted(peer, trusted) {
        return Some(peer);
    }
    let x_forwarded_for = hops(&request.headers, &X_FORWARDED_FOR, bare_address);
    let forwarded = hops(&request.headers, &header::FORWARDED, forwarded_for);
    let far = |hops: Vec<Option<IpAddr>>| farthest(peer, hops, trusted);
    Some(match (x_forwarded_for, forwarded) {
        (None, None) => peer,
        (Some(hops), None) | (None, Some(hops)) => far(hops),
        (Some(one), Some(other)) => {
            let (one, other) = (far(one), far(other));
            if one == other { one } else { peer }
        }
    })
}

fn is_trusted(address: IpAddr, trusted: &[Cidr]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Walks from the peer towards the client, as long as who speaks is trusted. An unreadable hop ends the walk.
fn farthest(peer: IpAddr, hops: Vec<Option<IpAddr>>, trusted: &[Cidr]) -> IpAddr {
    let mut known = peer;
    for hop in hops.into_iter().rev() {
        let Some(address) = hop else {
            break;
        };
        known = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    known
}

/// The elements of a header in order, each read; `None` if the header is absent.
fn hops(
    headers: &HeaderMap,
    name: &HeaderName,
    read: fn(&str) -> Option<IpAddr>,
) -> Option<Vec<Option<IpAddr>>> {
    headers.contains_key(name).then(|| {
        let lines = headers.get_all(name).iter();
        lines.flat_map(|line| line.to_str().unwrap_or("?").split(',').map(|hop| read(hop.trim()))).collect()
    })
}

/// The `for` of one element of `Forwarded` (RFC 7239): `for=192.0.2.1;proto=https`, `for="[2001:db8::1]:80"`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("for") {
            return None;
        }
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        bare_address(quoted.unwrap_or(value))
    })
}

/// An address with or without port and brackets.
fn bare_address(text: &str) -> Option<IpAddr> {
    let unbracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    address.or_else(unbracketed).or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn seen(peer: &str, headers: &[(&str, &str)]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:ffff::/48".parse().unwrap()];
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        request.extensions_mut().insert(PeerAddress::from(peer.parse::<IpAddr>().unwrap()));
        client_address(&request.into_parts().0, &trusted).unwrap().to_string()
    }

    #[test]
    fn a_stranger_is_believed_nothing() {
        for header in ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip"] {
            assert_eq!(seen("203.0.113.5", &[(header, "192.0.2.1")]), "203.0.113.5");
            assert_eq!(seen("203.0.113.5", &[(header, "for=192.0.2.1")]), "203.0.113.5");
        }
    }

    #[test]
    fn a_trusted_proxy_is_believed_the_last_stranger_it_names() {
        for (peer, value, client) in [
            ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", "198.51.100.9, 192.0.2.1, 10.9.9.9", "192.0.2.1"),
            ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
            ("10.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
            ("10.0.0.1", "2001:db8::9", "2001:db8::9"),
            ("10.0.0.1", "[2001:db8::9]:80", "2001:db8::9"),
            ("10.0.0.1", "[2001:db8::9]", "2001:db8::9"),
            ("10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", "unknown", "10.0.0.1"),
            ("10.0.0.1", "192.0.2.1, unknown", "10.0.0.1"),
            ("10.0.0.1", "192.0.2.1, unknown, 10.2.2.2", "10.2.2.2"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("2001:db8:ffff::1", "192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(seen(peer, &[("x-forwarded-for", value)]), client, "{peer} says {value}");
        }
        let lines = [("x-forwarded-for", "198.51.100.9"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(seen("10.0.0.1", &lines), "192.0.2.1", "the last line is the nearest");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        for (value, client) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"192.0.2.1:4711\";proto=https;by=10.0.0.1", "192.0.2.1"),
            ("proto=https;for=\"[2001:db8::9]:80\"", "2001:db8::9"),
            ("for=198.51.100.9, for=192.0.2.1;proto=http, for=10.3.3.3", "192.0.2.1"),
            ("for=_hidden", "10.0.0.1"),
            ("by=192.0.2.1", "10.0.0.1"),
        ] {
            assert_eq!(seen("10.0.0.1", &[("forwarded", value)]), client, "{value}");
        }
    }

    #[test]
    fn two_headers_that_disagree_are_believed_nothing() {
        let (ours, forged) = (("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=198.51.100.9"));
        assert_eq!(seen("10.0.0.1", &[ours, forged]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[ours, ("forwarded", "for=192.0.2.1")]), "192.0.2.1");
    }

    #[test]
    fn without_a_peer_nobody_is_known() {
        let mut request = Request::builder().header("x-forwarded-for", "192.0.2.1").body(()).unwrap();
        assert_eq!(client_address(&request.clone().into_parts().0, &["0.0.0.0/0".parse().unwrap()]), None);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 80))));
        assert_eq!(client_address(&request.into_parts().0, &[]), Some(IpAddr::from([192, 0, 2, 7])));
    }
}
