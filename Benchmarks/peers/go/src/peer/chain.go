package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v4/pgxpool"
	amqp "github.com/rabbitmq/amqp091-go"
)

func q(conn *amqp.Connection, name string) *amqp.Channel {
	ch, err := conn.Channel()
	must(err)
	_, err = ch.QueueDeclare(name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	must(err)
	must(ch.Qos(500, 0, false))
	return ch
}

func relay(ctx context.Context, pool *pgxpool.Pool, conn *amqp.Connection, batch int, stop *int32) {
	rc, err := amqp.Dial(env("PEER_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/"))
	must(err)
	defer rc.Close()
	ch := q(rc, "peer2")
	must(ch.Confirm(false))
	acks := ch.NotifyPublish(make(chan amqp.Confirmation, 4096))
	for atomic.LoadInt32(stop) == 0 {
		tx, err := pool.Begin(ctx)
		must(err)
		rows, err := tx.Query(ctx, "select id, body from outbox order by pos limit $1 for update skip locked", batch)
		must(err)
		var ids []string
		for rows.Next() {
			var id, body string
			must(rows.Scan(&id, &body))
			ids = append(ids, id)
			err := ch.PublishWithContext(ctx, "", "peer2", true, false, amqp.Publishing{DeliveryMode: 2, MessageId: id, ContentType: "application/json", Body: []byte(body)})
			must(err)
		}
		rows.Close()
		for range ids {
			if c := <-acks; !c.Ack {
				panic("nack")
			}
		}
		if len(ids) > 0 {
			_, err = tx.Exec(ctx, "delete from outbox where id = any($1::uuid[])", ids)
			must(err)
		}
		must(tx.Commit(ctx))
		if len(ids) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func chain(conn *amqp.Connection, n int, batched bool) {
	ctx := context.Background()
	pool, err := pgxpool.Connect(ctx, env("PEER_DATABASE_URL", "postgres://bench:bench@127.0.0.1/bench")+"?pool_max_conns=20")
	must(err)
	_, err = pool.Exec(ctx, `create table if not exists inbox(id uuid primary key, at timestamptz not null default now());
create table if not exists inbox2(id uuid primary key, at timestamptz not null default now());
create table if not exists fb(id uuid primary key, experiment uuid not null, at timestamptz not null default now(), score int, payload jsonb not null);
create table if not exists outbox(pos bigserial primary key, id uuid not null, body text not null);
create table if not exists proj(experiment uuid primary key, n bigint not null, total bigint not null); truncate inbox,inbox2,fb,outbox,proj`)
	must(err)
	a, b := q(conn, "peer"), q(conn, "peer2")
	am, err := a.Consume("peer", "", false, false, false, false, nil)
	must(err)
	bm, err := b.Consume("peer2", "", false, false, false, false, nil)
	must(err)
	var cnt int64
	var stop int32
	start := time.Now()
	var wg sync.WaitGroup
	fin := make(chan bool)
	relayBatch := 100
	if batched {
		relayBatch = 500
	}
	wg.Add(1)
	go func() { defer wg.Done(); relay(ctx, pool, conn, relayBatch, &stop) }()
	take := func(ms <-chan amqp.Delivery) []amqp.Delivery {
		var out []amqp.Delivery
		select {
		case m := <-ms:
			out = append(out, m)
		case <-fin:
			return nil
		}
		for len(out) < 500 {
			select {
			case m := <-ms:
				out = append(out, m)
				continue
			case <-time.After(2 * time.Millisecond):
			}
			break
		}
		return out
	}
	if batched {
		wg.Add(2)
		go func() {
			defer wg.Done()
			for {
				ms := take(am)
				if ms == nil {
					return
				}
				ids, exps, scores, bodies := make([]string, len(ms)), make([]string, len(ms)), make([]int32, len(ms)), make([]string, len(ms))
				for i, m := range ms {
					var f Feedback
					must(json.Unmarshal(m.Body, &f))
					ids[i], exps[i], scores[i], bodies[i] = f.ID, f.Experiment, int32(f.Score), string(m.Body)
				}
				_, err := pool.Exec(ctx, `with i as (insert into inbox(id) select unnest($1::uuid[]) on conflict do nothing returning id),
 v as (select v.* from unnest($1::uuid[],$2::uuid[],$3::int[],$4::text[]) v(id,e,s,p) join i on i.id=v.id),
 f as (insert into fb(id,experiment,score,payload) select id,e,s,p::jsonb from v on conflict do nothing)
 insert into outbox(id,body) select id,p from v`, ids, exps, scores, bodies)
				must(err)
				must(ms[len(ms)-1].Ack(true))
			}
		}()
		go func() {
			defer wg.Done()
			for {
				ms := take(bm)
				if ms == nil {
					return
				}
				ids, exps, scores := make([]string, len(ms)), make([]string, len(ms)), make([]int32, len(ms))
				for i, m := range ms {
					var f Feedback
					must(json.Unmarshal(m.Body, &f))
					ids[i], exps[i], scores[i] = f.ID, f.Experiment, int32(f.Score)
				}
				_, err := pool.Exec(ctx, `with i as (insert into inbox2(id) select unnest($1::uuid[]) on conflict do nothing returning id),
 v as (select v.e, count(*) n, sum(v.s) s from unnest($1::uuid[],$2::uuid[],$3::int[]) v(id,e,s) join i on i.id=v.id group by 1 order by 1)
 insert into proj select e,n,s from v on conflict (experiment) do update set n=proj.n+excluded.n,total=proj.total+excluded.total`, ids, exps, scores)
				must(err)
				must(ms[len(ms)-1].Ack(true))
				if atomic.AddInt64(&cnt, int64(len(ms))) >= int64(n) {
					close(fin)
				}
			}
		}()
	} else {
		for w := 0; w < 8; w++ {
			wg.Add(2)
			go func() {
				defer wg.Done()
				for {
					select {
					case m := <-am:
						var f Feedback
						must(json.Unmarshal(m.Body, &f))
						tx, err := pool.Begin(ctx)
						must(err)
						t, err := tx.Exec(ctx, "insert into inbox(id) values($1) on conflict do nothing", m.MessageId)
						must(err)
						if t.RowsAffected() == 1 {
							_, err = tx.Exec(ctx, "insert into fb(id,experiment,score,payload) values($1,$2,$3,$4) on conflict do nothing", f.ID, f.Experiment, f.Score, string(m.Body))
							must(err)
							_, err = tx.Exec(ctx, "insert into outbox(id,body) values($1,$2)", f.ID, string(m.Body))
							must(err)
						}
						must(tx.Commit(ctx))
						must(m.Ack(false))
					case <-fin:
						return
					}
				}
			}()
			go func() {
				defer wg.Done()
				for {
					select {
					case m := <-bm:
						var f Feedback
						must(json.Unmarshal(m.Body, &f))
						tx, err := pool.Begin(ctx)
						must(err)
						t, err := tx.Exec(ctx, "insert into inbox2(id) values($1) on conflict do nothing", m.MessageId)
						must(err)
						if t.RowsAffected() == 1 {
							_, err = tx.Exec(ctx, "insert into proj values($1,1,$2) on conflict (experiment) do update set n=proj.n+1,total=proj.total+excluded.total", f.Experiment, f.Score)
							must(err)
						}
						must(tx.Commit(ctx))
						must(m.Ack(false))
						if atomic.AddInt64(&cnt, 1) == int64(n) {
							close(fin)
						}
					case <-fin:
						return
					}
				}
			}()
		}
	}
	<-fin
	d := time.Since(start)
	atomic.StoreInt32(&stop, 1)
	wg.Wait()
	var pn int64
	must(pool.QueryRow(ctx, "select sum(n) from proj").Scan(&pn))
	fmt.Printf("go chain batched=%v: %d projected=%d in %v = %.0f/s\n", batched, n, pn, d, float64(n)/d.Seconds())
}
