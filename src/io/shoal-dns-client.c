/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks name servers of the user's choice, over sockets that keep to the binding; the system's
 * resolver never hears of it. */

/*
 * A name is asked for once, however many wait for it, with two questions: A and AAAA. A question
 * goes from server to server until one answers, by datagram; a truncated answer is fetched over
 * TCP from the same server. Each try has a socket of its own, connected to the server, from a port
 * of the system's choice and with an id that nobody can guess: answers from elsewhere do not reach
 * it, and those that do are compared with the question.
 *
 * Calls are answered from a source of the context, never from inside of another call.
 */

#include "shoal-dns-client.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include "shoal-dns.h"
#include "shoal-list.h"

#define PORT            53
#define ROUNDS          3        /* times that each server is asked */
#define WAIT_MS         1500     /* for an answer, in the first round; longer in each that
                                  * follows */
#define NAMES_AT_ONCE   32
#define TTL_LEAST_S     5
#define TTL_MOST_S      3600
#define TTL_NOTHING_S   30       /* there is no such name */

typedef struct _Entry Entry;

typedef struct
{
  Entry         *entry;
  ShoalDnsType   type;
  guint16        id;
  guint          first;        /* server that was asked first */
  guint          n_tries;
  gboolean       over;
  gboolean       answered;
  gboolean       stream;       /* over TCP */
  GSocket       *socket;       /* (nullable) */
  GSource       *ready;        /* (nullable) */
  GSource       *late;         /* (nullable) */
  GByteArray    *came;         /* (nullable): of a TCP answer */
  ShoalDnsAnswer answer;
} Question;

struct _Entry
{
  ShoalNode       node;        /* in waiting, or alone */
  ShoalDnsClient *client;
  char           *name;
  ShoalNode       calls;
  Question        questions[2];
  gboolean        asking;
  gboolean        known;
  gboolean        no_name;
  gint64          expires_us;
  GSource        *telling;     /* (nullable): calls are about to be answered */
};

struct _ShoalDnsCall
{
  ShoalNode    node;
  Entry       *entry;
  ShoalDnsFunc func;
  gpointer     user_data;
};

struct _ShoalDnsClient
{
  GMainContext       *context;
  const ShoalBinding *binding;                          /* (nullable) */
  ShoalAddr           servers[SHOAL_DNS_SERVERS_MAX];
  guint               n_servers;
  guint               preferred;                        /* the one that answered last */
  char               *refusal;                          /* (nullable) */
  GHashTable         *entries;                          /* name to Entry (owned) */
  ShoalNode           waiting;                          /* of Entry: too many are asked for
                                                         * already */
  guint               n_asking;
};

static void ask (Question *question);
static void begin_waiting (ShoalDnsClient *self);

/* --- Sources --- */

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
attach (ShoalDnsClient *self,
        GSource        *source,
        GSourceFunc     func,
        gpointer        data)
{
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, self->context);

  return source;
}

static void
question_hang_up (Question *question)
{
  clear_source (&question->ready);
  clear_source (&question->late);
  if (question->socket != NULL)
    g_socket_close (question->socket, NULL);
  g_clear_object (&question->socket);
  g_clear_pointer (&question->came, g_byte_array_unref);
}

/* --- Entries --- */

static void
entry_free (gpointer data)
{
  Entry *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (self->questions); i++)
    question_hang_up (&self->questions[i]);
  clear_source (&self->telling);
  shoal_node_unlink (&self->node);
  while (shoal_node_is_linked (&self->calls))
    {
      ShoalDnsCall *call = SHOAL_NODE_OWNER (self->calls.next, ShoalDnsCall, node);

      shoal_node_unlink (&call->node);
      g_free (call);
    }
  g_free (self->name);
  g_free (self);
}

static const char *
why_nothing (const Entry *self)
{
  if (self->no_name)
    return "The name is not known";
  if (self->questions[0].answered && self->questions[1].answered)
    return "The name has no address";

  return "No name server answers";
}

static gboolean
tell_calls (gpointer user_data)
{
  Entry *self = user_data;
  ShoalAddr addrs[2 * SHOAL_DNS_ADDRS_MAX];
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (self->questions); i++)
    {
      const ShoalDnsAnswer *answer = &self->questions[i].answer;

      if (self->questions[i].answered)
        {
          memcpy (addrs + n, answer->addrs, answer->n_addrs * sizeof *addrs);
          n += answer->n_addrs;
        }
    }

  g_clear_pointer (&self->telling, g_source_unref);
  /* A call may drop another one, and make new ones: those are answered by a source of their own. */
  while (shoal_node_is_linked (&self->calls) && self->telling == NULL)
    {
      ShoalDnsCall *call = SHOAL_NODE_OWNER (self->calls.next, ShoalDnsCall, node);
      ShoalDnsCall copy = *call;

      shoal_node_unlink (&call->node);
      g_free (call);
      copy.func (addrs, n, n > 0 ? NULL : why_nothing (self), copy.user_data);
    }

  return G_SOURCE_REMOVE;
}

static void
tell_later (Entry *self)
{
  if (self->telling == NULL && shoal_node_is_linked (&self->calls))
    self->telling = attach (self->client, g_idle_source_new (), tell_calls, self);
}

static void
entry_known (Entry *self)
{
  ShoalDnsClient *client = self->client;
  guint32 ttl_s = TTL_MOST_S;
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (self->questions); i++)
    {
      const Question *question = &self->questions[i];

      n += question->answered ? question->answer.n_addrs : 0;
      if (question->answered && question->answer.n_addrs > 0)
        ttl_s = MIN (ttl_s, question->answer.ttl_s);
      else if (!question->answered)
        ttl_s = MIN (ttl_s, TTL_NOTHING_S);
    }
  if (n == 0)
    ttl_s = self->no_name || self->questions[0].answered ? TTL_NOTHING_S : 0;
  else
    ttl_s = MAX (ttl_s, TTL_LEAST_S);

  self->asking = FALSE;
  self->known = TRUE;
  self->expires_us = g_get_monotonic_time () + ttl_s * G_USEC_PER_SEC;
  client->n_asking--;
  tell_later (self);
  begin_waiting (client);
}

/* --- Questions --- */

static void
question_over (Question *question)
{
  Entry *entry = question->entry;

  question_hang_up (question);
  question->over = TRUE;
  /* Without a name there are no addresses of the other kind either. */
  if (entry->no_name && !entry->questions[question == &entry->questions[0]].over)
    question_over (&entry->questions[question == &entry->questions[0]]);
  else if (entry->asking && entry->questions[0].over && entry->questions[1].over)
    entry_known (entry);
}

static void
ask_another (Question *question)
{
  question_hang_up (question);
  question->stream = FALSE;
  question->n_tries++;
  ask (question);
}

static const ShoalAddr *
server_of (const Question *question)
{
  const ShoalDnsClient *client = question->entry->client;

  return &client->servers[(question->first + question->n_tries) % client->n_servers];
}

static gboolean
question_late (gpointer user_data)
{
  Question *question = user_data;

  g_debug ("A name server does not answer");
  ask_another (question);

  return G_SOURCE_REMOVE;
}

/* FALSE: nothing that was asked for. */
static gboolean
take_answer (Question     *question,
             const guint8 *bytes,
             gsize         size)
{
  Entry *entry = question->entry;
  ShoalDnsClient *client = entry->client;

  switch (shoal_dns_parse_answer (&question->answer, bytes, size, question->id, entry->name,
                                  question->type))
    {
    case SHOAL_DNS_ANSWER:
      question->answered = TRUE;
      client->preferred = (question->first + question->n_tries) % client->n_servers;
      question_over (question);
      return TRUE;

    case SHOAL_DNS_NO_NAME:
      entry->no_name = TRUE;
      question_over (question);
      return TRUE;

    case SHOAL_DNS_TRUNCATED:
      if (question->stream)
        {
          ask_another (question);
          return TRUE;
        }
      question_hang_up (question);
      question->stream = TRUE;
      ask (question);
      return TRUE;

    case SHOAL_DNS_FAILED:
      ask_another (question);
      return TRUE;

    case SHOAL_DNS_NOT_OURS:
    default:
      return FALSE;
    }
}

static gboolean
datagram_ready (GSocket      *socket,
                GIOCondition  condition,
                gpointer      user_data)
{
  Question *question = user_data;
  guint8 bytes[4096];
  gssize size = recv (g_socket_get_fd (socket), bytes, sizeof bytes, MSG_DONTWAIT);

  if (size >= 0)
    return !take_answer (question, bytes, (gsize) size);
  if (errno == EAGAIN || errno == EINTR)
    return G_SOURCE_CONTINUE;
  ask_another (question);

  return G_SOURCE_REMOVE;
}

/* Reads what is there. FALSE: the question is over, or goes on elsewhere. */
static gboolean
stream_read (Question *question)
{
  guint8 bytes[4096];
  gssize size = recv (g_socket_get_fd (question->socket), bytes, sizeof bytes, MSG_DONTWAIT);
  const guint8 *came;

  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return TRUE;
  if (size > 0)
    g_byte_array_append (question->came, bytes, (guint) size);
  came = question->came->data;
  if (question->came->len >= 2 && question->came->len - 2u >= (guint) (came[0] << 8 | came[1]))
    {
      g_autoptr(GByteArray) whole = g_byte_array_ref (question->came);

      if (!take_answer (question, whole->data + 2, (gsize) (whole->data[0] << 8 | whole->data[1])))
        ask_another (question);
      return FALSE;
    }
  if (size > 0)
    return TRUE;
  ask_another (question);

  return FALSE;
}

static void watch_socket (Question *question, GIOCondition condition, GSourceFunc func);

static gboolean
stream_readable (GSocket      *socket,
                 GIOCondition  condition,
                 gpointer      user_data)
{
  return stream_read (user_data);
}

static gboolean
stream_connected (GSocket      *socket,
                  GIOCondition  condition,
                  gpointer      user_data)
{
  Question *question = user_data;
  guint8 query[2 + SHOAL_DNS_QUERY_MAX];
  gsize size = shoal_dns_write_query (query + 2, question->id, question->entry->name,
                                      question->type);

  query[0] = (guint8) (size >> 8);
  query[1] = (guint8) size;
  if (!g_socket_check_connect_result (socket, NULL) ||
      send (g_socket_get_fd (socket), query, size + 2, MSG_NOSIGNAL) != (gssize) size + 2)
    {
      ask_another (question);
      return G_SOURCE_REMOVE;
    }
  question->came = g_byte_array_new ();
  watch_socket (question, G_IO_IN, G_SOURCE_FUNC (stream_readable));

  return G_SOURCE_REMOVE;
}

static void
watch_socket (Question     *question,
              GIOCondition  condition,
              GSourceFunc   func)
{
  clear_source (&question->ready);
  question->ready = attach (question->entry->client,
                            g_socket_create_source (question->socket, condition, NULL), func,
                            question);
}

/* FALSE: nothing can be sent to that server now. */
static gboolean
send_question (Question *question)
{
  ShoalDnsClient *client = question->entry->client;
  const ShoalAddr *server = server_of (question);
  struct sockaddr_storage name;
  socklen_t name_size = shoal_addr_to_sockaddr (server, &name);
  guint8 query[SHOAL_DNS_QUERY_MAX];
  g_autoptr(GError) error = NULL;
  int fd;

  question->socket =
    shoal_socket_new (client->binding, server->family,
                      question->stream ? G_SOCKET_TYPE_STREAM : G_SOCKET_TYPE_DATAGRAM, &error);
  if (question->socket == NULL)
    {
      g_debug ("A name server cannot be asked: %s", error->message);
      return FALSE;
    }

  fd = g_socket_get_fd (question->socket);
  if (connect (fd, (struct sockaddr *) &name, name_size) < 0 && errno != EINPROGRESS)
    return FALSE;
  if (question->stream)
    {
      watch_socket (question, G_IO_OUT, G_SOURCE_FUNC (stream_connected));
      return TRUE;
    }

  watch_socket (question, G_IO_IN, G_SOURCE_FUNC (datagram_ready));

  return send (fd, query,
               shoal_dns_write_query (query, question->id, question->entry->name, question->type),
               MSG_NOSIGNAL) > 0;
}

static void
ask (Question *question)
{
  ShoalDnsClient *client = question->entry->client;

  if (getrandom (&question->id, sizeof question->id, 0) != sizeof question->id)
    g_error ("No random bytes: %s", g_strerror (errno));

  while (question->n_tries < ROUNDS * client->n_servers)
    {
      guint wait_ms = WAIT_MS * (1 + question->n_tries / client->n_servers);

      if (send_question (question))
        {
          question->late = attach (client, g_timeout_source_new (wait_ms), question_late, question);
          return;
        }
      question_hang_up (question);
      question->n_tries++;
      question->stream = FALSE;
    }
  question_over (question);
}

static void
entry_ask (Entry *self)
{
  static const ShoalDnsType types[] = { SHOAL_DNS_AAAA, SHOAL_DNS_A };

  shoal_node_unlink (&self->node);
  self->asking = TRUE;
  self->known = self->no_name = FALSE;
  self->client->n_asking++;
  for (guint i = 0; i < G_N_ELEMENTS (self->questions); i++)
    self->questions[i] =
      (Question){ .entry = self, .type = types[i], .first = self->client->preferred };
  for (guint i = 0; i < G_N_ELEMENTS (self->questions); i++)
    {
      if (!self->questions[i].over)
        ask (&self->questions[i]);
    }
}

static void
begin_waiting (ShoalDnsClient *self)
{
  while (self->n_asking < NAMES_AT_ONCE && shoal_node_is_linked (&self->waiting))
    entry_ask (SHOAL_NODE_OWNER (self->waiting.next, Entry, node));
}

/* --- Calls --- */

static gboolean
may_forget (gpointer key,
            gpointer value,
            gpointer user_data)
{
  const Entry *entry = value;
  const gint64 *now_us = user_data;

  return entry->known && !shoal_node_is_linked (&entry->calls) &&
         (now_us == NULL || entry->expires_us <= *now_us);
}

static void
make_room (ShoalDnsClient *self)
{
  gint64 now_us = g_get_monotonic_time ();

  if (g_hash_table_size (self->entries) < SHOAL_DNS_CACHE_MAX)
    return;
  if (g_hash_table_foreach_remove (self->entries, may_forget, &now_us) == 0)
    g_hash_table_foreach_remove (self->entries, may_forget, NULL);
}

static Entry *
entry_new (ShoalDnsClient *self,
           const char     *name)
{
  Entry *entry = g_new0 (Entry, 1);

  make_room (self);
  entry->client = self;
  entry->name = g_strdup (name);
  shoal_node_init (&entry->node);
  shoal_node_init (&entry->calls);
  for (guint i = 0; i < G_N_ELEMENTS (entry->questions); i++)
    entry->questions[i].entry = entry;
  g_hash_table_replace (self->entries, entry->name, entry);

  return entry;
}

/* RFC 6761: it is this machine, whatever a server says. */
static gboolean
fill_in_localhost (Entry *entry)
{
  static const guint8 loopback6[16] = { [15] = 1 };
  static const guint8 loopback4[4] = { 127, 0, 0, 1 };

  if (strcmp (entry->name, "localhost") != 0 && !g_str_has_suffix (entry->name, ".localhost"))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (entry->questions); i++)
    {
      entry->questions[i].answered = TRUE;
      entry->questions[i].answer.n_addrs = 1;
    }
  entry->questions[0].answer.addrs[0] = shoal_addr_make (SHOAL_FAMILY_IPV6, loopback6, 0);
  entry->questions[1].answer.addrs[0] = shoal_addr_make (SHOAL_FAMILY_IPV4, loopback4, 0);
  entry->known = TRUE;
  entry->expires_us = G_MAXINT64;

  return TRUE;
}

static gboolean
tell_refused (gpointer user_data)
{
  Entry *entry = user_data;
  ShoalDnsClient *client = entry->client;
  g_autofree char *error = g_strdup (client->refusal != NULL ? client->refusal : "Not a name");

  g_clear_pointer (&entry->telling, g_source_unref);
  while (shoal_node_is_linked (&entry->calls) && entry->telling == NULL)
    {
      ShoalDnsCall *call = SHOAL_NODE_OWNER (entry->calls.next, ShoalDnsCall, node);
      ShoalDnsCall copy = *call;

      shoal_node_unlink (&call->node);
      g_free (call);
      copy.func (NULL, 0, error, copy.user_data);
    }

  return G_SOURCE_REMOVE;
}

ShoalDnsCall *
shoal_dns_client_lookup (ShoalDnsClient *self,
                         const char     *host,
                         ShoalDnsFunc    func,
                         gpointer        user_data)
{
  g_autofree char *name = shoal_dns_name (host);
  gboolean can_ask = name != NULL && self->n_servers > 0;
  /* What cannot be asked for has one entry for all, with a name that none has. */
  Entry *entry = g_hash_table_lookup (self->entries, can_ask ? name : "");
  ShoalDnsCall *call = g_new0 (ShoalDnsCall, 1);

  if (entry == NULL)
    entry = entry_new (self, can_ask ? name : "");
  call->entry = entry;
  call->func = func;
  call->user_data = user_data;
  shoal_node_init (&call->node);
  shoal_node_append (&entry->calls, &call->node);

  if (!can_ask)
    {
      if (entry->telling == NULL)
        entry->telling = attach (self, g_idle_source_new (), tell_refused, entry);
    }
  else if ((entry->known && entry->expires_us > g_get_monotonic_time ()) ||
           fill_in_localhost (entry))
    tell_later (entry);
  else if (!entry->asking && !shoal_node_is_linked (&entry->node))
    {
      clear_source (&entry->telling);
      shoal_node_append (&self->waiting, &entry->node);
      begin_waiting (self);
    }

  return call;
}

void
shoal_dns_call_drop (ShoalDnsCall *self)
{
  shoal_node_unlink (&self->node);
  g_free (self);
}

/* --- Life --- */

ShoalDnsClient *
shoal_dns_client_new (const ShoalBinding *binding)
{
  ShoalDnsClient *self = g_new0 (ShoalDnsClient, 1);

  self->context = g_main_context_ref_thread_default ();
  self->binding = binding;
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  shoal_node_init (&self->waiting);

  return self;
}

void
shoal_dns_client_free (ShoalDnsClient *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->entries);
  g_main_context_unref (self->context);
  g_free (self->refusal);
  g_free (self);
}

/* Ends what is under way: its calls are answered as if nobody had. */
static gboolean
entry_reset (gpointer key,
             gpointer value,
             gpointer user_data)
{
  Entry *entry = value;

  for (guint i = 0; i < G_N_ELEMENTS (entry->questions); i++)
    {
      question_hang_up (&entry->questions[i]);
      entry->questions[i].answered = FALSE;
      entry->questions[i].answer.n_addrs = 0;
    }
  shoal_node_unlink (&entry->node);
  entry->asking = entry->no_name = FALSE;
  entry->known = TRUE;
  entry->expires_us = 0;
  tell_later (entry);

  return !shoal_node_is_linked (&entry->calls);
}

void
shoal_dns_client_configure (ShoalDnsClient *self,
                            const char     *servers,
                            const char     *refusal)
{
  g_auto(GStrv) words = g_strsplit_set (servers != NULL ? servers : "", " ,;\t", -1);

  self->n_servers = self->preferred = 0;
  for (guint i = 0; words[i] != NULL && self->n_servers < SHOAL_DNS_SERVERS_MAX; i++)
    {
      if (*words[i] != '\0' && shoal_addr_parse (&self->servers[self->n_servers], words[i], PORT))
        self->n_servers++;
    }
  g_free (self->refusal);
  self->refusal = g_strdup (refusal);

  self->n_asking = 0;
  g_hash_table_foreach_remove (self->entries, entry_reset, NULL);
}

gboolean
shoal_dns_client_is_idle (const ShoalDnsClient *self)
{
  return self->n_servers == 0 && self->refusal == NULL;
}
