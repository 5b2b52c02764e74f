// The outbox relay as a bare loop: choose a batch of positions, fetch the bodies, publish them with confirms and a
// window, wait for all confirms, delete. No holding back, no rescan, no deadlines: any failure ends it.
//
//   relay COUNT EXCHANGE ROUTING_KEY      with PEER_DATABASE_URL and PEER_BROKER_URL

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 500, WINDOW = 200, CHANNEL = 1 };

static void die(const char *what) {
  fprintf(stderr, "relay: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static PGresult *checked(PGconn *db, PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) die(PQerrorMessage(db));
  return result;
}

static amqp_connection_state_t connect_broker(const char *url) {
  struct amqp_connection_info info;
  char *copy = strdup(url);
  if (amqp_parse_url(copy, &info) != AMQP_STATUS_OK) die("PEER_BROKER_URL is malformed");
  amqp_connection_state_t broker = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(broker);
  if (socket == NULL || amqp_socket_open(socket, info.host, info.port) != AMQP_STATUS_OK) die("no broker");
  amqp_rpc_reply_t reply =
      amqp_login(broker, info.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, info.user, info.password);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) die("login refused");
  amqp_channel_open(broker, CHANNEL);
  if (amqp_get_rpc_reply(broker).reply_type != AMQP_RESPONSE_NORMAL) die("no channel");
  amqp_confirm_select(broker, CHANNEL);
  if (amqp_get_rpc_reply(broker).reply_type != AMQP_RESPONSE_NORMAL) die("no confirms");
  free(copy);
  return broker;
}

static uint64_t published = 0, confirmed = 0;
static char settled[WINDOW];

// Takes one confirm, waiting for it when asked. Answers whether there was one.
static int take_confirm(amqp_connection_state_t broker, int wait) {
  amqp_frame_t frame;
  struct timeval none = {0, 0}, patience = {30, 0};
  int status = amqp_simple_wait_frame_noblock(broker, &frame, wait ? &patience : &none);
  if (status == AMQP_STATUS_TIMEOUT && !wait) return 0;
  if (status != AMQP_STATUS_OK || frame.frame_type != AMQP_FRAME_METHOD) die("no confirm");
  if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) die("refused or returned");
  amqp_basic_ack_t *ack = frame.payload.method.decoded;
  if (ack->multiple) {
    for (uint64_t tag = confirmed + 1; tag <= ack->delivery_tag; tag++) settled[tag % WINDOW] = 1;
  } else {
    settled[ack->delivery_tag % WINDOW] = 1;
  }
  while (confirmed < published && settled[(confirmed + 1) % WINDOW]) settled[++confirmed % WINDOW] = 0;
  amqp_maybe_release_buffers(broker);
  return 1;
}

static void publish(amqp_connection_state_t broker, const char *exchange, const char *key, PGresult *rows, int row) {
  while (published - confirmed >= WINDOW) take_confirm(broker, 1);
  amqp_basic_properties_t properties;
  memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  properties.content_type = amqp_cstring_bytes("application/cloudevents+json");
  properties.delivery_mode = 2;
  properties.message_id = amqp_cstring_bytes(PQgetvalue(rows, row, 0));
  amqp_bytes_t body = {(size_t)PQgetlength(rows, row, 1), PQgetvalue(rows, row, 1)};
  int status = amqp_basic_publish(broker, CHANNEL, amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), 1, 0,
                                  &properties, body);
  if (status != AMQP_STATUS_OK) die("publish failed");
  published++;
  while (take_confirm(broker, 0)) {
  }
}

int main(int argc, char **argv) {
  if (argc != 4) die("relay COUNT EXCHANGE ROUTING_KEY");
  long count = atol(argv[1]), done = 0;
  PGconn *db = PQconnectdb(getenv("PEER_DATABASE_URL"));
  if (PQstatus(db) != CONNECTION_OK) die(PQerrorMessage(db));
  // As ours: a delete that a crash undoes is a duplicate, and duplicates are dropped.
  PQclear(checked(db, PQexec(db, "set synchronous_commit = off")));
  PQclear(checked(db, PQprepare(db, "choose", "select position from peer_outbox order by position limit 500", 0, NULL)));
  PQclear(checked(
      db, PQprepare(db, "fetch",
                    "select id::text, body from peer_events where position = any($1::bigint[]) order by position", 1,
                    NULL)));
  PQclear(checked(db, PQprepare(db, "drop", "delete from peer_outbox where position = any($1::bigint[])", 1, NULL)));
  amqp_connection_state_t broker = connect_broker(getenv("PEER_BROKER_URL"));
  static char list[BATCH * 21 + 3];
  double start = now();
  while (done < count) {
    PGresult *chosen = checked(db, PQexecPrepared(db, "choose", 0, NULL, NULL, NULL, 0));
    int rows = PQntuples(chosen);
    if (rows == 0) die("the outbox is empty too early");
    size_t length = 0;
    for (int i = 0; i < rows; i++) {
      length += (size_t)sprintf(list + length, "%c%s", i == 0 ? '{' : ',', PQgetvalue(chosen, i, 0));
    }
    strcpy(list + length, "}");
    PQclear(chosen);
    const char *parameters[] = {list};
    PGresult *bodies = checked(db, PQexecPrepared(db, "fetch", 1, parameters, NULL, NULL, 1));
    for (int i = 0; i < rows; i++) publish(broker, argv[2], argv[3], bodies, i);
    while (confirmed < published) take_confirm(broker, 1);
    PQclear(bodies);
    PQclear(checked(db, PQexecPrepared(db, "drop", 1, parameters, NULL, NULL, 0)));
    done += rows;
  }
  double seconds = now() - start;
  printf("c relay: %ld in %.3fs = %.0f/s\n", done, seconds, (double)done / seconds);
  return 0;
}
