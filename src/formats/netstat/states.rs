//! State words of netstat in the languages it was translated to.

use crate::facts::SocketState;

/// The words of the inet table as the kernel's states are called in English.
pub const INET: &[&[u8]] = &[
    b"ESTABLISHED",
    b"LISTEN",
    b"TIME_WAIT",
    b"CLOSE_WAIT",
    b"SYN_SENT",
    b"SYN_RECV",
    b"FIN_WAIT1",
    b"FIN_WAIT2",
    b"LAST_ACK",
    b"CLOSING",
    b"CLOSE",
];

/// The state of a word of the inet table; `None` for a word no translation is known to print.
#[inline]
pub fn inet_state(word: &[u8]) -> Option<SocketState> {
    Some(match word {
        b"ESTABLISHED" => SocketState::Established,
        b"LISTEN" => SocketState::Listen,
        b"TIME_WAIT" => SocketState::TimeWait,
        b"CLOSE_WAIT" => SocketState::CloseWait,
        b"SYN_SENT" => SocketState::SynSent,
        b"SYN_RECV" => SocketState::SynRecv,
        b"FIN_WAIT1" => SocketState::FinWait1,
        b"FIN_WAIT2" => SocketState::FinWait2,
        b"LAST_ACK" => SocketState::LastAck,
        b"CLOSING" => SocketState::Closing,
        b"CLOSE" => SocketState::Closed,
        b"UNKNOWN" => SocketState::Unknown,
        _ => return translated(word),
    })
}

/// The state of a word of the unix table.
pub fn unix_state(word: &[u8]) -> Option<SocketState> {
    Some(match word {
        b"CONNECTED" | b"VERBUNDEN" | b"CONNECTE" | b"CONECTADO" | b"CONNESSO" => SocketState::Established,
        b"LISTENING" | b"OUVINDO" | b"ESCUCHANDO" | b"IN ASCOLTO" => SocketState::Listen,
        b"CONNECTING" | b"VERBINDUNGSAUFBAU" | b"ENCONNEXION" | b"CONECTANDO" => SocketState::SynSent,
        b"DISCONNECTING" | b"VERBINDUNGSABBAU" | b"DECONNEXION" | b"DESCONECTANDO" => SocketState::Closing,
        b"FREE" | b"LEER" | b"LIBRE" | b"LIVRE" => SocketState::Closed,
        b"UNKNOWN" | b"UNBEKANNT" | b"INCONNU" | b"DESCONHECIDO" => SocketState::Unknown,
        _ if word == "HÖRT".as_bytes() => SocketState::Listen,
        _ => return None,
    })
}

/// Words of net-tools' translations: `po/de.po`, `pt_BR.po`, `fr.po`, `et_EE.po`.
fn translated(word: &[u8]) -> Option<SocketState> {
    const WORDS: &[(&str, SocketState)] = &[
        ("VERBUNDEN", SocketState::Established),
        ("ESTABELECIDA", SocketState::Established),
        ("ETABLI", SocketState::Established),
        ("ESTABLECIDO", SocketState::Established),
        ("OUÇA", SocketState::Listen),
        ("ESCUCHAR", SocketState::Listen),
        ("ESCUTANDO", SocketState::Listen),
        ("ESPERANDO_FECHAR", SocketState::CloseWait),
        ("ESPERA_FECHAR", SocketState::CloseWait),
        ("SYN_ENVIADO", SocketState::SynSent),
        ("SYN_RECEBIDO", SocketState::SynRecv),
        ("ESPERA_FIN1", SocketState::FinWait1),
        ("ESPERA_FIN2", SocketState::FinWait2),
        ("TEMPO_ESPERA", SocketState::TimeWait),
        ("ESPERANDO_TEMPO", SocketState::TimeWait),
        ("ÚLTIMO_ACK", SocketState::LastAck),
        ("FECHANDO", SocketState::Closing),
        ("FECHAR", SocketState::Closed),
        ("FECHADO", SocketState::Closed),
        ("DESCONHECIDO", SocketState::Unknown),
    ];
    WORDS.iter().find(|(name, _)| name.as_bytes() == word).map(|(_, state)| *state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_inet_table_are_states() {
        assert!(INET.iter().all(|word| inet_state(word).is_some_and(|state| state != SocketState::Unknown)));
    }
}
