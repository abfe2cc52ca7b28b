//! Hashing of addresses, for tables of objects.

use std::hash::Hasher;

/// Both halves of a product: an address is a multiple of 16, so one half alone would leave bits of the hash always zero.
pub fn hash(address: usize) -> u64 {
    let product = u128::from(address as u64) * 0x9E37_79B9_7F4A_7C15;
    product as u64 ^ (product >> 64) as u64
}

#[derive(Debug, Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write_usize(&mut self, address: usize) {
        self.0 = hash(address);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = hash((self.0 ^ u64::from(byte)) as usize);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
