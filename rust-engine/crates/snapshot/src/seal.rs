use crate::key::{KEY_ID_BYTES, SnapshotKey, SnapshotKeys};
use crate::unusable::Unusable;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;
use std::io;

/// Bytes that a seal adds.
pub const TAG_BYTES: usize = 16;
/// Bytes of a file's id.
pub const ID_BYTES: usize = 16;
const MAGIC_BYTES: usize = 8;
/// Bytes before the first sealed part: magic, key id, file id.
pub const HEADER_BYTES: usize = MAGIC_BYTES + KEY_ID_BYTES + ID_BYTES;

const SALT: &[u8] = b"devops-mcp-server snapshots";

/// The start of a file.
pub type Header = [u8; HEADER_BYTES];
/// What kind of file it is, with the version of its layout.
pub type Magic = [u8; MAGIC_BYTES];
/// A file's random id.
pub type FileId = [u8; ID_BYTES];

/// Seals and opens the parts of one file.
pub struct Sealer {
    key: LessSafeKey,
    header: Header,
}

impl Sealer {
    /// The sealer of a new file.
    pub fn create(magic: &Magic, key: &SnapshotKey) -> io::Result<Self> {
        let mut id = [0; ID_BYTES];
        rand::fill(&mut id).map_err(|_| io::Error::other("no randomness"))?;
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC_BYTES].copy_from_slice(magic);
        header[MAGIC_BYTES..MAGIC_BYTES + KEY_ID_BYTES].copy_from_slice(&key.id());
        header[MAGIC_BYTES + KEY_ID_BYTES..].copy_from_slice(&id);
        Ok(Self::of_header(header, key))
    }

    /// The sealer of a file that starts with this header.
    pub fn of_file(header: Header, magic: &Magic, keys: &SnapshotKeys) -> Result<Self, Unusable> {
        if header[..MAGIC_BYTES] != *magic {
            return Err(Unusable::Damaged("not a file of this format"));
        }
        let key = keys.by_id(&header[MAGIC_BYTES..MAGIC_BYTES + KEY_ID_BYTES]).ok_or(Unusable::ForeignKey)?;
        Ok(Self::of_header(header, key))
    }

    /// The key is derived for this one file, so that numbers of its parts may serve as nonces.
    fn of_header(header: Header, key: &SnapshotKey) -> Self {
        let derived = Salt::new(HKDF_SHA256, SALT).extract(key.bytes());
        let info = [header.as_slice()];
        let okm = derived.expand(&info, &AES_256_GCM).expect("32 bytes are a length of HKDF-SHA256");
        Self { key: LessSafeKey::new(UnboundKey::from(okm)), header }
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn id(&self) -> FileId {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&self.header[HEADER_BYTES - ID_BYTES..]);
        id
    }

    /// Encrypts part number `part` where it is; the file's header and `place` are authenticated with it.
    pub fn seal(&self, part: u32, place: &[u8], plain: &mut [u8]) -> [u8; TAG_BYTES] {
        let sealed = self.key.seal_in_place_separate_tag(nonce(part), self.aad(place), plain);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(sealed.expect("a part is far below the limit of the cipher").as_ref());
        tag
    }

    /// Decrypts a part with the tag at its end where it is; none when it is not what was sealed there.
    pub fn open<'a>(&self, part: u32, place: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.key.open_in_place(nonce(part), self.aad(place), sealed).ok()
    }

    fn aad(&self, place: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([self.header.as_slice(), place].concat())
    }
}

fn nonce(part: u32) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&part.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}
