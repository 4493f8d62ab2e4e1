//! A caller's idempotency key.

use domain::{Digest, FIELDS_MAX, Fingerprint, IdempotencyKey};

use crate::{
    journal::key,
    protobuf::{Canonical, Fields},
};

pub(super) fn write(fields: &mut Fields<'_>, key: &IdempotencyKey) {
    let IdempotencyKey { tenant, digest, fingerprint: Fingerprint { method, request, fields: digests } } = key;
    let (tenant_kind, tenant_number) = key::tenant_numbers(*tenant);
    fields.unsigned(1, tenant_kind.into());
    fields.unsigned(2, tenant_number.into());
    fields.bytes(3, &digest.0);
    fields.unsigned(4, method.number().into());
    fields.bytes(5, &request.0);
    fields.fixed(6, key::used(digests));
}

pub(super) fn read(mut message: Canonical<'_>) -> Option<IdempotencyKey> {
    let tenant = key::tenant(message.small(1)?, message.small(2)?).ok()?;
    let digest = Digest(message.array(3)?);
    let method = key::method(message.small(4)?).ok()?;
    let request = Digest(message.array(5)?);
    let digests = message.fixed(6)?;
    message.end()?;
    let mut fields = [0; FIELDS_MAX];
    for (field, digest) in fields.get_mut(..digests.len())?.iter_mut().zip(digests) {
        *field = digest;
    }
    Some(IdempotencyKey { tenant, digest, fingerprint: Fingerprint { method, request, fields } })
}
