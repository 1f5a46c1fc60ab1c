//! The few shapes of the protobuf wire format that remote write uses, read without copying.

use crate::Malformed;

/// A field's content.
pub enum Content<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// Calls with (field number, content) for each field of a message.
#[inline]
pub fn each_field<'a>(
    name: &'static str,
    mut bytes: &'a [u8],
    mut field: impl FnMut(u64, Content<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    while !bytes.is_empty() {
        let key = varint(name, &mut bytes)?;
        let content = match key & 7 {
            0 => Content::Varint(varint(name, &mut bytes)?),
            1 => Content::Fixed64(u64::from_le_bytes(fixed(name, &mut bytes)?)),
            2 => {
                let length = varint(name, &mut bytes)?;
                Content::Bytes(take(name, &mut bytes, length)?)
            }
            5 => {
                fixed::<4>(name, &mut bytes)?;
                Content::Fixed32
            }
            kind => return Err(Malformed::new(name, format!("wire type {kind}"))),
        };
        if key >> 3 == 0 {
            return Err(Malformed::new(name, "field number 0"));
        }
        field(key >> 3, content)?;
    }
    Ok(())
}

#[inline]
pub fn varint(name: &'static str, bytes: &mut &[u8]) -> Result<u64, Malformed> {
    // Field keys and most lengths are one byte.
    if let Some((byte, rest)) = bytes.split_first()
        && byte & 0x80 == 0
    {
        *bytes = rest;
        return Ok(u64::from(*byte));
    }
    long_varint(name, bytes)
}

fn long_varint(name: &'static str, bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            return Err(Malformed::new(name, "ends inside a varint"));
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed::new(name, "varint longer than 10 bytes"))
}

#[inline]
fn take<'a>(name: &'static str, bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], Malformed> {
    let wanted = usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length));
    let Some((taken, rest)) = wanted else {
        return Err(Malformed::new(name, format!("{length} bytes wanted, {} left", bytes.len())));
    };
    *bytes = rest;
    Ok(taken)
}

fn fixed<const N: usize>(name: &'static str, bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let mut array = [0; N];
    array.copy_from_slice(take(name, bytes, N as u64)?);
    Ok(array)
}
