use crate::key::SnapshotKey;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// Bytes that a seal adds.
pub const TAG_BYTES: usize = 16;

/// Seals and opens the parts of one snapshot.
pub struct Sealer {
    key: LessSafeKey,
    header: Vec<u8>,
}

impl Sealer {
    /// The sealer of a snapshot: its key is derived from the snapshot's id, so that part numbers may serve as nonces.
    pub fn new(key: &SnapshotKey, snapshot_id: &[u8; 16], header: &[u8]) -> Self {
        let derived = Salt::new(HKDF_SHA256, snapshot_id).extract(key.bytes());
        let info = [b"devops-mcp-server snapshot pages".as_slice()];
        let okm = derived.expand(&info, &AES_256_GCM).expect("32 bytes are a length of HKDF-SHA256");
        Self { key: LessSafeKey::new(UnboundKey::from(okm)), header: header.to_vec() }
    }

    /// Seals part number `part`, whose place is authenticated with it.
    pub fn seal(&self, part: u32, plain: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(plain.len() + TAG_BYTES);
        bytes.extend_from_slice(plain);
        let sealed = self.key.seal_in_place_append_tag(nonce(part), self.aad(part), &mut bytes);
        sealed.expect("a part is far below the limit of the cipher");
        bytes
    }

    /// Opens part number `part`; none when it is not what was sealed there.
    pub fn open(&self, part: u32, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let plain = self.key.open_in_place(nonce(part), self.aad(part), &mut sealed).ok()?.len();
        sealed.truncate(plain);
        Some(sealed)
    }

    fn aad(&self, part: u32) -> Aad<Vec<u8>> {
        Aad::from([self.header.as_slice(), &part.to_le_bytes()].concat())
    }
}

fn nonce(part: u32) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&part.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}
