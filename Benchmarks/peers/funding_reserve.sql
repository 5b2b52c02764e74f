-- One reservation with the statements that funding carries out for it, in the same two round trips, for pgbench: whoever
-- holds the envelope's row keeps everybody else waiting until its commit is on disk. :envelope is the envelope.
select gen_random_uuid() as reservation, gen_random_uuid() as event \gset
\startpipeline
begin;
select e.id, e.call, e.kind, ledger_lock(e.id, 'available') as available_cents
from (select id, call, kind from envelopes where id = any(array[:envelope::uuid]) order by id offset 0) e;
select c.status from http_commands c where c.caller = 'pgbench' and c.route = 'POST /v1/envelopes/x/reservations'
    and c.key = 'none';
\endpipeline
\startpipeline
select ledger_book(array[now()], array[:envelope::uuid], array['available'], array[:reservation::uuid], array['held'],
    array[1::bigint], array['hold'], array['hold:' || :reservation::text], array[:event::uuid]);
insert into reservations (id, envelope, beneficiary_siren, amount_cents, purpose, state, made_by, made_at)
values (:reservation::uuid, :envelope::uuid, '200034528', 1, 'Recours en instruction', 'held', 'pgbench', now());
with bumped as (
    insert into streams as s (stream, subject, version) values ('reservation', :reservation::text, 1)
    on conflict (stream, subject) do update set version = s.version + 1
    returning s.stream, s.subject, s.version
), logged as (
    insert into events (id, type, stream, subject, sequence, actor, time, correlation, causation, traceparent, data)
    select :event::uuid, 'funding.reservation.made.v1', b.stream, b.subject, b.version, 'pgbench', now(),
        '019a2b7d-1e00-7000-8000-000000000001', null, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"amountCents":1,"beneficiarySiren":"200034528","call":"019a2b7d-1e00-7000-8000-000000000002",'
        || '"envelope":"019a2b7d-1e00-7000-8000-000000000003","kind":"animation","reservation":"' || :reservation::text
        || '"}'
    from bumped as b
    returning position
), queued as (
    insert into outbox (position) select position from logged
)
insert into events_personal (position, personal)
select l.position, p.personal from logged as l, (select null::text as personal) as p where p.personal <> '';
insert into http_commands (caller, route, key, body_sha256, status, location, etag, content_type, body)
values ('pgbench', 'POST /v1/envelopes/x/reservations', :reservation::text, sha256(''), 201, '/v1/reservations/x', '"v1"',
    'application/json', convert_to(rpad('{}', 350), 'UTF8'));
commit;
\endpipeline
