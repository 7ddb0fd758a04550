/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real world as an engine sees it. The engine is made up: it writes down what it is told. */

#include <string.h>
#include "shoal-gio-host.h"

/* --- An engine and its links --- */

struct _ShoalEngine
{
  ShoalHost  *host;
  gboolean    in_turn;
  gboolean    in_effect;
  guint       n_turns;
  gint64      now_us;
  gint64      deadline_us;
  GArray     *commands;      /* of ShoalCommandType */
  guint       n_network;
  guint16     port;
  char       *network_error;
  guint       n_mapped;
  ShoalMapping mapping;
  gboolean    refuses;       /* links that come in */
  ShoalLink  *accepted;      /* the last */
  guint       n_datagrams;
  guint8      datagram[64];
  gsize       datagram_size;
  ShoalAddr   datagram_from;
  guint       n_done;
  guint       n_closed;
  ShoalLookup *early;         /* (nullable): wanted as soon as a turn begins */
};

struct _ShoalLink
{
  ShoalEngine *engine;
  gpointer     host_data;
  guint8       window[100];
  GByteArray  *got;
  ShoalOutbox *outbox;
  gboolean     opened;
  gboolean     closed;
  char        *why;
};

static ShoalLink *
link_new (ShoalEngine *engine,
          gpointer     host_data)
{
  ShoalLink *self = g_new0 (ShoalLink, 1);

  self->engine = engine;
  self->host_data = host_data;
  self->got = g_byte_array_new ();
  self->outbox = shoal_outbox_new ();

  return self;
}

static void
link_free (ShoalLink *self)
{
  g_assert_true (self->closed);
  g_byte_array_unref (self->got);
  shoal_outbox_free (self->outbox);
  g_free (self->why);
  g_free (self);
}

gpointer
shoal_link_host_data (const ShoalLink *link)
{
  return link->host_data;
}

void
shoal_link_set_host_data (ShoalLink *link,
                          gpointer   host_data)
{
  link->host_data = host_data;
}

void
shoal_link_opened (ShoalLink       *link,
                   const ShoalAddr *local)
{
  g_assert_true (link->engine->in_turn);
  link->opened = TRUE;
}

guint
shoal_link_low_mark (ShoalLink *link)
{
  g_assert_true (link->engine->in_turn);
  return 1;
}

guint
shoal_link_window (ShoalLink    *link,
                   struct iovec *iov,
                   guint         max)
{
  g_assert_true (link->engine->in_turn);
  iov[0] = (struct iovec) { link->window, sizeof link->window };

  return 1;
}

void
shoal_link_received (ShoalLink *link,
                     gsize      size)
{
  g_assert_true (link->engine->in_turn);
  g_byte_array_append (link->got, link->window, (guint) size);
}

guint
shoal_link_output (ShoalLink *link,
                   ShoalSpan *spans,
                   guint      max)
{
  g_assert_true (link->engine->in_turn);
  return shoal_outbox_size (link->outbox) > 0 ? shoal_outbox_spans (link->outbox, spans, max) : 0;
}

void
shoal_link_sent (ShoalLink *link,
                 gsize      size)
{
  shoal_outbox_sent (link->outbox, size);
}

void
shoal_link_closed (ShoalLink  *link,
                   const char *why)
{
  g_assert_true (link->engine->in_turn);
  g_assert_false (link->engine->in_effect);
  g_assert_false (link->closed);
  link->closed = TRUE;
  link->why = g_strdup (why);
  link->engine->n_closed++;
}

void
shoal_engine_begin (ShoalEngine *self,
                    gint64       now_us,
                    gint64       wall_s)
{
  g_assert_false (self->in_turn);
  g_assert_cmpint (now_us, >=, self->now_us);
  self->in_turn = TRUE;
  self->now_us = now_us;
  self->n_turns++;
  if (self->early != NULL)
    self->host->ops->lookup (self->host, g_steal_pointer (&self->early));
}

gint64
shoal_engine_end (ShoalEngine *self)
{
  gint64 deadline_us = self->deadline_us;

  g_assert_true (self->in_turn);
  self->in_turn = FALSE;
  self->deadline_us = G_MAXINT64;

  return deadline_us;
}

void
shoal_engine_command (ShoalEngine  *self,
                      ShoalCommand *command)
{
  g_assert_true (self->in_turn);
  g_array_append_val (self->commands, command->type);
  shoal_command_free (command);
}

void
shoal_engine_network (ShoalEngine             *self,
                      const ShoalNetworkState *now)
{
  g_assert_true (self->in_turn && !self->in_effect);
  self->n_network++;
  self->port = now->tcp_port;
  g_free (self->network_error);
  self->network_error = g_strdup (now->error);
}

void
shoal_engine_mapped (ShoalEngine        *self,
                     const ShoalMapping *now)
{
  g_assert_true (self->in_turn && !self->in_effect);
  self->n_mapped++;
  self->mapping = *now;
}

void
shoal_engine_writable (ShoalEngine *self)
{
  g_assert_true (self->in_turn);
}

ShoalLink *
shoal_engine_accept (ShoalEngine     *self,
                     const ShoalAddr *from,
                     gpointer         host_data)
{
  if (self->refuses)
    return NULL;
  self->accepted = link_new (self, host_data);

  return self->accepted;
}

void
shoal_engine_datagram (ShoalEngine     *self,
                       const ShoalAddr *from,
                       const guint8    *data,
                       gsize            size,
                       gint64           arrived_us)
{
  g_assert_true (self->in_turn);
  g_assert_cmpuint (size, <=, sizeof self->datagram);
  memcpy (self->datagram, data, size);
  self->datagram_size = size;
  self->datagram_from = *from;
  self->n_datagrams++;
}

void
shoal_engine_local (ShoalEngine     *self,
                    const ShoalAddr *from,
                    const guint8    *data,
                    gsize            size)
{
  g_assert_true (self->in_turn);
}

void
shoal_engine_done (ShoalEngine *self,
                   ShoalDone   *done)
{
  g_assert_true (self->in_turn && !self->in_effect);
  self->n_done++;
  done->func (done, self->now_us);
}

/* --- A host for it --- */

typedef struct
{
  GMainContext *context;
  ShoalMailbox *commands;
  ShoalGioHost *host;
  ShoalEngine   engine;
  guint         n_events;
} Fixture;

static void
tell (ShoalEvent *event,
      gpointer    user_data)
{
  Fixture *self = user_data;

  self->n_events++;
  shoal_event_free (event);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->commands = shoal_mailbox_new (G_STRUCT_OFFSET (ShoalCommand, next));
  self->host = shoal_gio_host_new (self->context, self->commands, NULL, 1, tell, self);
  self->engine.host = shoal_gio_host_effects (self->host);
  self->engine.commands = g_array_new (FALSE, FALSE, sizeof (ShoalCommandType));
  self->engine.deadline_us = G_MAXINT64;
  shoal_gio_host_start (self->host, &self->engine);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  shoal_gio_host_free (self->host);
  shoal_mailbox_free (self->commands);
  g_array_unref (self->engine.commands);
  g_free (self->engine.network_error);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
}

#define WAIT(self, condition) \
  G_STMT_START { \
    while (!(condition)) \
      g_main_context_iteration ((self)->context, TRUE); \
  } G_STMT_END

static ShoalCommandType
command_at (Fixture *self,
            guint    i)
{
  return g_array_index (self->engine.commands, ShoalCommandType, i);
}

static void
test_loaded_first (Fixture       *self,
                   gconstpointer  data)
{
  shoal_mailbox_post (self->commands, shoal_command_new (SHOAL_COMMAND_ANNOUNCE));
  shoal_mailbox_post (self->commands, shoal_command_new (SHOAL_COMMAND_PAUSE));
  WAIT (self, self->engine.commands->len == 3);
  g_assert_cmpint (command_at (self, 0), ==, SHOAL_COMMAND_LOADED);
  g_assert_cmpint (command_at (self, 1), ==, SHOAL_COMMAND_ANNOUNCE);
  g_assert_cmpint (command_at (self, 2), ==, SHOAL_COMMAND_PAUSE);
}

static gpointer
post (gpointer user_data)
{
  shoal_mailbox_post (user_data, shoal_command_new (SHOAL_COMMAND_INFO));

  return NULL;
}

static void
test_wakes_up (Fixture       *self,
               gconstpointer  data)
{
  GThread *thread;

  WAIT (self, self->engine.n_turns > 0);
  thread = g_thread_new ("poster", post, self->commands);
  WAIT (self, self->engine.commands->len == 2);
  g_thread_join (thread);
}

static void
test_deadline (Fixture       *self,
               gconstpointer  data)
{
  gint64 due = g_get_monotonic_time () + 30000;
  guint n_turns;

  self->engine.deadline_us = due;
  WAIT (self, self->engine.n_turns > 0);
  n_turns = self->engine.n_turns;
  WAIT (self, self->engine.n_turns > n_turns);
  g_assert_cmpint (self->engine.now_us, >=, due);
}

static void
want_network (Fixture  *self,
              gboolean  tcp,
              guint16   port)
{
  guint n = self->engine.n_network;

  self->engine.host->ops->network (self->engine.host, &(ShoalNetwork) { .tcp = tcp, .port = port });
  g_assert_cmpuint (self->engine.n_network, ==, n);
  shoal_mailbox_post (self->commands, shoal_command_new (SHOAL_COMMAND_INFO));
  WAIT (self, self->engine.n_network > n);
}

static ShoalAddr
loopback (ShoalFamily family,
          guint16     port)
{
  const guint8 ipv4[4] = { 127, 0, 0, 1 };
  const guint8 ipv6[16] = { [15] = 1 };

  return shoal_addr_make (family, family == SHOAL_FAMILY_IPV6 ? ipv6 : ipv4, port);
}

static void
send_ping (Fixture         *self,
           const ShoalAddr *to)
{
  ShoalHost *host = self->engine.host;

  g_assert_cmpint (host->ops->send (host, to, (const guint8 *) "ping", 4, 0,
                                      SHOAL_SEND_PLAIN), ==, SHOAL_SEND_SENT);
}

/* TCP and UDP have the same port. */
static void
test_network (Fixture       *self,
              gconstpointer  data)
{
  ShoalAddr to;

  want_network (self, TRUE, 0);
  g_assert_cmpstr (self->engine.network_error, ==, NULL);
  g_assert_cmpuint (self->engine.port, !=, 0);

  to = loopback (SHOAL_FAMILY_IPV4, self->engine.port);
  send_ping (self, &to);
  WAIT (self, self->engine.n_datagrams > 0);
  g_assert_cmpmem (self->engine.datagram, self->engine.datagram_size, "ping", 4);
  g_assert_true (shoal_addr_equal (&self->engine.datagram_from, &to));

  want_network (self, FALSE, 0);
  g_assert_cmpuint (self->engine.port, ==, 0);
  g_assert_cmpstr (self->engine.network_error, ==, NULL);
}

static GSocket *
take_port (guint16 *port)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GInetAddress) any = g_inet_address_new_any (G_SOCKET_FAMILY_IPV4);
  g_autoptr(GSocketAddress) address = g_inet_socket_address_new (any, 0);
  g_autoptr(GSocketAddress) local = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                  G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error (error);
  g_socket_bind (socket, address, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  local = g_socket_get_local_address (socket, &error);
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local));

  return socket;
}

static void
test_port_taken (Fixture       *self,
                 gconstpointer  data)
{
  guint16 port;
  g_autoptr(GSocket) other = take_port (&port);
  ShoalAddr to = loopback (SHOAL_FAMILY_IPV4, port);
  ShoalLink *link;

  want_network (self, TRUE, port);
  g_assert_cmpuint (self->engine.port, ==, 0);
  g_assert_nonnull (self->engine.network_error);

  /* Datagrams and dialling do without. */
  send_ping (self, &to);
  link = link_new (&self->engine, NULL);
  self->engine.host->ops->dial (self->engine.host, link, &to);
  g_assert_nonnull (link->host_data);
  WAIT (self, link->opened);
  self->engine.host->ops->hang_up (self->engine.host, link);
  shoal_mailbox_post (self->commands, shoal_command_new (SHOAL_COMMAND_INFO));
  WAIT (self, link->closed);
  link_free (link);
}

static void
say (Fixture    *self,
     ShoalLink  *link,
     const char *text)
{
  memcpy (shoal_outbox_append (link->outbox, strlen (text)), text, strlen (text));
  self->engine.host->ops->attend (self->engine.host, link);
  shoal_mailbox_post (self->commands, shoal_command_new (SHOAL_COMMAND_INFO));
}

static void
test_talk (Fixture       *self,
           gconstpointer  data)
{
  ShoalFamily family = GPOINTER_TO_UINT (data);
  ShoalLink *link = link_new (&self->engine, NULL);
  ShoalAddr to;

  want_network (self, TRUE, 0);
  to = loopback (family, self->engine.port);
  self->engine.host->ops->dial (self->engine.host, link, &to);
  g_assert_false (link->closed);
  WAIT (self, link->closed || (link->opened && self->engine.accepted != NULL));
  if (link->closed)
    {
      g_assert_cmpint (family, ==, SHOAL_FAMILY_IPV6);
      g_test_skip_printf ("this system has no IPv6: %s", link->why);
      link_free (link);
      return;
    }

  say (self, link, "ahoy");
  WAIT (self, self->engine.accepted->got->len == 4);
  say (self, self->engine.accepted, "yes?");
  WAIT (self, link->got->len == 4);
  g_assert_cmpmem (link->got->data, 4, "yes?", 4);

  /* Both ends at once, each told once, while the host is stopped. */
  shoal_gio_host_stop (self->host);
  g_assert_cmpuint (self->engine.n_closed, ==, 2);
  link_free (link);
  link_free (self->engine.accepted);
}

static void
test_not_wanted (Fixture       *self,
                 gconstpointer  data)
{
  ShoalLink *link = link_new (&self->engine, NULL);
  ShoalAddr to;

  self->engine.refuses = TRUE;
  want_network (self, TRUE, 0);
  to = loopback (SHOAL_FAMILY_IPV4, self->engine.port);
  self->engine.host->ops->dial (self->engine.host, link, &to);
  WAIT (self, link->closed);
  link_free (link);
}

static void
test_switched_off (Fixture       *self,
                   gconstpointer  data)
{
  ShoalLink *link = link_new (&self->engine, NULL);
  ShoalAddr to = loopback (SHOAL_FAMILY_IPV4, 1);

  want_network (self, FALSE, 0);
  self->engine.host->ops->dial (self->engine.host, link, &to);
  g_assert_false (link->closed);
  shoal_mailbox_post (self->commands, shoal_command_new (SHOAL_COMMAND_INFO));
  WAIT (self, link->closed);
  g_assert_cmpstr (link->why, ==, "TCP is switched off");
  link_free (link);
}

/* --- Requests --- */

typedef struct
{
  ShoalFetch  *fetch;
  ShoalLookup *lookup;
  guint        n;
} Answers;

static void
fetch_done (ShoalDone *done,
            gint64     now_us)
{
  Answers *answers = done->owner;

  answers->n++;
  answers->fetch = (ShoalFetch *) done;
}

static void
lookup_done (ShoalDone *done,
             gint64     now_us)
{
  Answers *answers = done->owner;

  answers->n++;
  answers->lookup = (ShoalLookup *) done;
}

static void
ask (Fixture    *self,
     Answers    *answers,
     const char *url,
     const char *name)
{
  ShoalFetch *fetch = shoal_fetch_new (SHOAL_FETCH_TRACKER, url);
  ShoalLookup *lookup = shoal_lookup_new (name, 6969);

  fetch->done = (ShoalDone) { .func = fetch_done, .owner = answers };
  lookup->done = (ShoalDone) { .func = lookup_done, .owner = answers };
  self->engine.in_effect = TRUE;
  self->engine.host->ops->fetch (self->engine.host, fetch);
  self->engine.host->ops->lookup (self->engine.host, lookup);
  self->engine.in_effect = FALSE;
  g_assert_cmpuint (answers->n, ==, 0);
}

static void
answers_free (Answers *answers)
{
  shoal_fetch_free (answers->fetch);
  shoal_lookup_free (answers->lookup);
}

static void
test_answers_at_once (Fixture       *self,
                      gconstpointer  data)
{
  Answers answers = { 0 };

  ask (self, &answers, "nonsense", "192.0.2.1");
  WAIT (self, answers.n == 2);
  g_assert_nonnull (answers.fetch->error);
  g_assert_cmpuint (answers.lookup->n_addrs, ==, 1);
  answers_free (&answers);
}

/* Not even the first name goes past the interface that everything is kept to. */
static void
test_early_name (Fixture       *self,
                 gconstpointer  data)
{
  Answers answers = { 0 };

  self->engine.early = shoal_lookup_new ("router.example", 6881);
  self->engine.early->done = (ShoalDone) { .func = lookup_done, .owner = &answers };
  self->engine.host->ops->network (self->engine.host,
                                   &(ShoalNetwork){ .tcp = TRUE, .bind = "nosuch0" });
  WAIT (self, answers.n == 1);
  g_assert_cmpstr (answers.lookup->error, ==, "The network is down: nosuch0 is not there");
  WAIT (self, self->engine.n_network == 1);
  g_assert_cmpstr (self->engine.network_error, ==, "The network is down: nosuch0 is not there");
  answers_free (&answers);
}

/* Nobody answers, and the host is stopped: each comes back once, and so does what is asked
 * afterwards. */
static void
test_unanswered (Fixture       *self,
                 gconstpointer  data)
{
  guint16 port;
  g_autoptr(GSocket) silent = take_port (&port);
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/announce", port);
  Answers answers = { 0 };

  ask (self, &answers, url, "localhost");
  shoal_gio_host_stop (self->host);
  g_assert_cmpuint (answers.n, ==, 2);
  g_assert_nonnull (answers.fetch->error);
  answers_free (&answers);
}

static void
job_done (ShoalDone *done,
          gint64     now_us)
{
  *(guint *) done->owner += 1;
  shoal_disk_job_free ((ShoalDiskJob *) done);
}

static void
test_disk (Fixture       *self,
           gconstpointer  data)
{
  guint n_done = 0;

  for (guint i = 0; i < 2; i++)
    {
      ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_CLOSE, 17);

      job->done = (ShoalDone) { .func = job_done, .owner = &n_done };
      self->engine.host->ops->disk (self->engine.host, job);
      if (i == 0)
        WAIT (self, n_done == 1);
    }
  shoal_gio_host_stop (self->host);
  g_assert_cmpuint (n_done, ==, 2);
}

static void
test_random (Fixture       *self,
             gconstpointer  data)
{
  guint8 bytes[2][32] = { { 0 } };

  self->engine.host->ops->random (self->engine.host, bytes[0], sizeof bytes[0]);
  self->engine.host->ops->random (self->engine.host, bytes[1], sizeof bytes[1]);
  g_assert_cmpint (memcmp (bytes[0], bytes[1], sizeof bytes[0]), !=, 0);
}

static void
test_events (Fixture       *self,
             gconstpointer  data)
{
  self->engine.host->ops->tell (self->engine.host, shoal_event_new (SHOAL_EVENT_READY));
  g_assert_cmpuint (self->n_events, ==, 1);
  self->engine.host->ops->save (self->engine.host, shoal_resume_new (1));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, func) \
  g_test_add ("/io/gio-host/" name, Fixture, GUINT_TO_POINTER (data), set_up, func, tear_down)
  ADD ("loaded-first", 0, test_loaded_first);
  ADD ("wakes-up", 0, test_wakes_up);
  ADD ("deadline", 0, test_deadline);
  ADD ("network", 0, test_network);
  ADD ("port-taken", 0, test_port_taken);
  ADD ("talk-ipv4", SHOAL_FAMILY_IPV4, test_talk);
  ADD ("talk-ipv6", SHOAL_FAMILY_IPV6, test_talk);
  ADD ("not-wanted", 0, test_not_wanted);
  ADD ("switched-off", 0, test_switched_off);
  ADD ("answers-at-once", 0, test_answers_at_once);
  ADD ("early-name", 0, test_early_name);
  ADD ("unanswered", 0, test_unanswered);
  ADD ("disk", 0, test_disk);
  ADD ("random", 0, test_random);
  ADD ("events", 0, test_events);

  return g_test_run ();
}
