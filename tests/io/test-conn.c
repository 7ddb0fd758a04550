/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of links over real sockets. The links are made up here: what they get is seen. */

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>
#include "shoal-conn.h"
#include "shoal-listener.h"
#include "shoal-test.h"

#define WINDOW_SIZE 50000   /* bytes that a link takes at once, in two places */

/* --- A link --- */

struct _ShoalLink
{
  gpointer     host_data;
  GByteArray  *got;
  guint8       window[WINDOW_SIZE];
  gsize        window_size;
  guint        low_mark;
  guint        n_received;   /* calls */
  ShoalOutbox *outbox;
  gboolean     opened;
  ShoalAddr    local;
  guint        n_closed;
  char        *why;
  gboolean     hangs_up;     /* as soon as it has received something */
};

static ShoalLink *
link_new (void)
{
  ShoalLink *self = g_new0 (ShoalLink, 1);

  self->got = g_byte_array_new ();
  self->window_size = WINDOW_SIZE;
  self->low_mark = 1;
  self->outbox = shoal_outbox_new ();

  return self;
}

static void
link_free (ShoalLink *self)
{
  g_assert_null (self->host_data);
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
  g_assert_false (link->opened);
  link->opened = TRUE;
  link->local = *local;
}

guint
shoal_link_low_mark (ShoalLink *link)
{
  return link->low_mark;
}

guint
shoal_link_window (ShoalLink    *link,
                   struct iovec *iov,
                   guint         max)
{
  g_assert_cmpuint (max, >=, 2);
  if (link->low_mark == 0 || link->window_size == 0)
    return 0;

  iov[0] = (struct iovec) { link->window, 13 };
  iov[1] = (struct iovec) { link->window + 13, link->window_size - 13 };

  return 2;
}

void
shoal_link_received (ShoalLink *link,
                     gsize      size)
{
  g_assert_cmpuint (size, <=, link->window_size);
  g_assert_cmpuint (link->n_closed, ==, 0);
  link->n_received++;
  g_byte_array_append (link->got, link->window, (guint) size);
  if (link->hangs_up)
    shoal_conn_hang_up (link->host_data);
}

guint
shoal_link_output (ShoalLink *link,
                   ShoalSpan *spans,
                   guint      max)
{
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
  link->n_closed++;
  link->why = g_strdup (why);
}

/* --- Two of them, and a listener --- */

typedef struct
{
  GMainContext  *context;
  ShoalReactor  *reactor;
  ShoalConnSet  *conns;
  ShoalListener *listener;
  ShoalAddr      address;    /* of the listener */
  ShoalLink     *dialler;
  ShoalLink     *answerer;
  gboolean       refuses;    /* what comes in */
} Fixture;

static void
turn (gpointer user_data)
{
  Fixture *self = user_data;
  gint64 now_us = g_get_monotonic_time ();

  shoal_conn_set_begin (self->conns, now_us);
  shoal_reactor_poll (self->reactor);
  for (guint i = 0; i < 4; i++)
    shoal_conn_set_flush (self->conns);
  shoal_reactor_set_deadline (self->reactor, shoal_conn_set_is_pending (self->conns)
                                             ? now_us : shoal_conn_set_deadline (self->conns));
}

static void
accepted (GSocket         *socket,
          const ShoalAddr *from,
          gpointer         user_data)
{
  Fixture *self = user_data;
  ShoalConn *conn = shoal_conn_accept (self->conns, socket, from);

  if (self->refuses)
    {
      shoal_conn_discard (conn);
      return;
    }
  g_assert_null (self->answerer);
  self->answerer = link_new ();
  shoal_conn_set_link (conn, self->answerer);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  const guint8 loopback[4] = { 127, 0, 0, 1 };
  g_autoptr(GError) error = NULL;

  self->context = g_main_context_new ();
  self->reactor = shoal_reactor_new (self->context, turn, self);
  self->conns = shoal_conn_set_new (self->reactor);
  self->listener = shoal_listener_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, 0, accepted, self,
                                       &error);
  g_assert_no_error (error);
  self->address = shoal_addr_make (SHOAL_FAMILY_IPV4, loopback,
                                   shoal_listener_port (self->listener));
  self->dialler = link_new ();
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  shoal_conn_set_hang_up_all (self->conns, NULL);
  shoal_conn_set_flush (self->conns);
  g_assert_cmpuint (shoal_conn_set_count (self->conns), ==, 0);
  g_assert_cmpuint (self->dialler->n_closed, ==, 1);
  link_free (self->dialler);
  if (self->answerer != NULL)
    {
      g_assert_cmpuint (self->answerer->n_closed, ==, 1);
      link_free (self->answerer);
    }
  g_clear_pointer (&self->listener, shoal_listener_free);
  shoal_conn_set_free (self->conns);
  shoal_reactor_free (self->reactor);
  g_main_context_unref (self->context);
}

#define WAIT(self, condition) \
  G_STMT_START { \
    while (!(condition)) \
      g_main_context_iteration ((self)->context, TRUE); \
  } G_STMT_END

static void
dial (Fixture *self)
{
  shoal_conn_dial (self->conns, self->dialler, &self->address, g_get_monotonic_time ());
  shoal_reactor_wake (self->reactor);
}

static void
meet (Fixture *self)
{
  dial (self);
  WAIT (self, self->dialler->opened && self->answerer != NULL);
  g_assert_true (shoal_addr_is_loopback (&self->dialler->local));
}

static void
attend (Fixture   *self,
        ShoalLink *link)
{
  shoal_conn_attend (link->host_data);
  shoal_reactor_wake (self->reactor);
}

static void
say (Fixture    *self,
     ShoalLink  *link,
     const char *text)
{
  memcpy (shoal_outbox_append (link->outbox, strlen (text)), text, strlen (text));
  attend (self, link);
}

static void
assert_got (ShoalLink  *link,
            const char *text)
{
  g_assert_cmpmem (link->got->data, link->got->len, text, strlen (text));
}

static void
test_talk (Fixture       *self,
           gconstpointer  data)
{
  meet (self);
  say (self, self->dialler, "ahoy");
  WAIT (self, self->answerer->got->len >= 4);
  assert_got (self->answerer, "ahoy");
  say (self, self->answerer, "ahoy, there");
  say (self, self->answerer, " and again");
  WAIT (self, self->dialler->got->len >= 21);
  assert_got (self->dialler, "ahoy, there and again");
  g_assert_cmpuint (shoal_conn_set_moved (self->conns), ==, 2 * 25);
}

/* Open sockets of this process that are sent with BBR. */
static guint
count_bbr (void)
{
  guint n = 0;

  for (int fd = 3; fd < 256; fd++)
    {
      char name[16] = "";
      socklen_t size = sizeof name;

      if (getsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0
          && strncmp (name, "bbr", sizeof name) == 0)
        n++;
    }

  return n;
}

/* Asked for where the system has it; where not, or where it is the system's own choice, nothing is
 * different. */
static void
test_bbr (Fixture       *self,
          gconstpointer  data)
{
  gboolean wanted = GPOINTER_TO_INT (data);
  guint before = count_bbr ();
  int probe = socket (AF_INET, SOCK_STREAM, 0);
  gboolean own_choice = count_bbr () > before;
  gboolean offered = setsockopt (probe, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3) == 0;

  close (probe);
  shoal_conn_set_bbr (self->conns, wanted);
  meet (self);
  g_assert_cmpuint (count_bbr () - before, ==, own_choice || (wanted && offered) ? 2 : 0);
  say (self, self->dialler, "ahoy");
  WAIT (self, self->answerer->got->len >= 4);
  assert_got (self->answerer, "ahoy");
}

static void
test_refused (Fixture       *self,
              gconstpointer  data)
{
  g_clear_pointer (&self->listener, shoal_listener_free);
  dial (self);
  WAIT (self, self->dialler->n_closed > 0);
  g_assert_nonnull (self->dialler->why);
  g_assert_false (self->dialler->opened);
}

static void
test_not_wanted (Fixture       *self,
                 gconstpointer  data)
{
  self->refuses = TRUE;
  dial (self);
  WAIT (self, self->dialler->n_closed > 0);
  g_assert_true (self->dialler->opened);
  g_assert_nonnull (self->dialler->why);
}

static void
test_refuse_to_dial (Fixture       *self,
                     gconstpointer  data)
{
  shoal_conn_refuse (self->conns, self->dialler, "no");
  g_assert_cmpuint (self->dialler->n_closed, ==, 0);
  g_assert_true (shoal_conn_set_is_pending (self->conns));
  shoal_conn_set_flush (self->conns);
  g_assert_cmpstr (self->dialler->why, ==, "no");
}

static void
test_dial_timeout (Fixture       *self,
                   gconstpointer  data)
{
  gint64 now_us = g_get_monotonic_time ();

  shoal_conn_dial (self->conns, self->dialler, &self->address, now_us);
  g_assert_cmpint (shoal_conn_set_deadline (self->conns), ==, now_us + 15 * G_USEC_PER_SEC);
  shoal_conn_set_begin (self->conns, now_us + 15 * G_USEC_PER_SEC - 1);
  g_assert_false (shoal_conn_set_is_pending (self->conns));
  shoal_conn_set_begin (self->conns, now_us + 15 * G_USEC_PER_SEC);
  shoal_conn_set_flush (self->conns);
  g_assert_cmpstr (self->dialler->why, ==, "No answer in time");
  g_assert_cmpint (shoal_conn_set_deadline (self->conns), ==, G_MAXINT64);
}

static void
test_hang_up (Fixture       *self,
              gconstpointer  data)
{
  meet (self);
  say (self, self->dialler, "lost");
  shoal_conn_hang_up (self->dialler->host_data);
  shoal_conn_hang_up (self->dialler->host_data);
  g_assert_cmpuint (self->dialler->n_closed, ==, 0);
  WAIT (self, self->dialler->n_closed > 0 && self->answerer->n_closed > 0);
  g_assert_null (self->dialler->why);
  g_assert_nonnull (self->answerer->why);
  g_assert_cmpuint (self->answerer->got->len, ==, 0);
}

static void
test_hang_up_inside (Fixture       *self,
                     gconstpointer  data)
{
  meet (self);
  self->answerer->hangs_up = TRUE;
  say (self, self->dialler, "enough?");
  WAIT (self, self->answerer->n_closed > 0);
  g_assert_cmpuint (self->answerer->n_received, ==, 1);
}

/* The last words of a peer are read before its end is told. */
static void
test_last_words (Fixture       *self,
                 gconstpointer  data)
{
  meet (self);
  self->answerer->window_size = 100;
  for (guint i = 0; i < 1000; i++)
    memcpy (shoal_outbox_append (self->dialler->outbox, 5), "tail.", 5);
  attend (self, self->dialler);
  WAIT (self, shoal_outbox_size (self->dialler->outbox) == 0);
  shoal_conn_hang_up (self->dialler->host_data);
  shoal_reactor_wake (self->reactor);
  WAIT (self, self->answerer->n_closed > 0);
  g_assert_cmpuint (self->answerer->got->len, ==, 5000);
  g_assert_cmpstr (self->answerer->why, ==, "Closed by the peer");
}

static void
test_no_reading (Fixture       *self,
                 gconstpointer  data)
{
  meet (self);
  self->answerer->low_mark = 0;
  attend (self, self->answerer);
  say (self, self->dialler, "later");
  WAIT (self, shoal_outbox_size (self->dialler->outbox) == 0);
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (self->context, FALSE);
  g_assert_cmpuint (self->answerer->got->len, ==, 0);

  self->answerer->low_mark = 1;
  attend (self, self->answerer);
  WAIT (self, self->answerer->got->len == 5);
}

/* Without a place for bytes the link is left alone until it asks. */
static void
test_no_window (Fixture       *self,
                gconstpointer  data)
{
  meet (self);
  self->answerer->window_size = 0;
  say (self, self->dialler, "later");
  WAIT (self, shoal_outbox_size (self->dialler->outbox) == 0);
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (self->context, FALSE);

  self->answerer->window_size = WINDOW_SIZE;
  attend (self, self->answerer);
  WAIT (self, self->answerer->got->len == 5);
}

/* What stays below the mark is found by the sweep; what reaches it comes at once, in one piece. */
static void
test_low_mark (Fixture       *self,
               gconstpointer  data)
{
  g_autofree char *half = g_strnfill (1000, 'x');
  gint64 since_us;

  meet (self);
  self->answerer->low_mark = 2000;
  attend (self, self->answerer);
  g_assert_true (g_main_context_iteration (self->context, TRUE));
  since_us = g_get_monotonic_time ();

  say (self, self->dialler, half);
  WAIT (self, self->answerer->got->len == 1000);
  g_assert_cmpint (g_get_monotonic_time () - since_us, >=, 200000);

  say (self, self->dialler, half);
  say (self, self->dialler, half);
  WAIT (self, self->answerer->got->len == 3000);
  g_assert_cmpuint (self->answerer->n_received, ==, 2);
}

static guint8
byte_at (gsize i)
{
  return (guint8) ((i * 2654435761u) >> 13);
}

/* More than sockets hold, both ways at once. */
static void
test_much (Fixture       *self,
           gconstpointer  data)
{
  const gsize size = 12 * 1024 * 1024;
  ShoalLink *links[2];

  meet (self);
  links[0] = self->dialler;
  links[1] = self->answerer;
  for (guint i = 0; i < 2; i++)
    {
      guint8 *bytes = g_malloc (size);

      for (gsize j = 0; j < size; j++)
        bytes[j] = byte_at (j + i);
      shoal_outbox_append_buffer (links[i]->outbox, (const guint8 *) "head", 4,
                                  bytes, size, g_free, 0);
      attend (self, links[i]);
    }
  WAIT (self, links[0]->got->len == size + 4 && links[1]->got->len == size + 4);

  for (guint i = 0; i < 2; i++)
    {
      const GByteArray *got = links[1 - i]->got;

      g_assert_cmpmem (got->data, 4, "head", 4);
      for (gsize j = 0; j < size; j++)
        {
          if (got->data[4 + j] != byte_at (j + i))
            g_error ("Byte %" G_GSIZE_FORMAT " is wrong", j);
        }
    }
}

/* What could leave at once leaves in small bursts. */
static void
test_pace (Fixture       *self,
           gconstpointer  data)
{
  const gsize block = 16 * 1024, total = 256 * block;
  gint64 now_us;
  gsize left;

  meet (self);
  for (guint i = 0; i < 256; i++)
    shoal_outbox_append_buffer (self->dialler->outbox, (const guint8 *) "head", 4,
                                g_malloc0 (block), block, g_free, 0);
  shoal_conn_attend (self->dialler->host_data);
  now_us = g_get_monotonic_time ();
  shoal_conn_set_begin (self->conns, now_us);
  shoal_conn_set_flush (self->conns);
  left = shoal_outbox_size (self->dialler->outbox);
  g_assert_cmpuint (left, <, total);
  g_assert_cmpuint (left, >, total / 2);

  /* Asked again too soon, nothing happens; at its time more leaves. */
  g_assert_false (shoal_conn_set_is_pending (self->conns));
  shoal_conn_attend (self->dialler->host_data);
  shoal_conn_set_begin (self->conns, now_us);
  shoal_conn_set_flush (self->conns);
  g_assert_cmpuint (shoal_outbox_size (self->dialler->outbox), ==, left);
  g_assert_cmpint (shoal_conn_set_deadline (self->conns), >, now_us);
  g_assert_cmpint (shoal_conn_set_deadline (self->conns), <, now_us + 10000);
  shoal_conn_set_begin (self->conns, shoal_conn_set_deadline (self->conns));
  g_assert_true (shoal_conn_set_is_pending (self->conns));

  shoal_reactor_wake (self->reactor);
  WAIT (self, self->answerer->got->len == total + 256 * 4);
}

static void
release_file (ShoalFileRef *ref)
{
  close (ref->fd);
  g_free (ref);
}

static ShoalFileRef *
make_file (const char *dir,
           gsize       size)
{
  g_autofree char *path = g_build_filename (dir, "data", NULL);
  g_autofree guint8 *bytes = g_malloc (size);
  g_autoptr(GError) error = NULL;
  ShoalFileRef *ref = g_new0 (ShoalFileRef, 1);
  int fd;

  for (gsize i = 0; i < size; i++)
    bytes[i] = byte_at (i);
  g_file_set_contents (path, (const char *) bytes, (gssize) size, &error);
  g_assert_no_error (error);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  *ref = (ShoalFileRef) { .fd = fd, .ref_count = 1, .release = release_file };

  return ref;
}

static void
test_file (Fixture       *self,
           gconstpointer  data)
{
  const gsize size = 3 * 1024 * 1024;
  const guint n_blocks = 100;
  g_autofree char *dir = shoal_test_temp_dir ();
  ShoalFileRef *file = make_file (dir, size);
  const guint8 *got;

  meet (self);
  for (guint i = 0; i < n_blocks; i++)
    {
      char head[14];

      g_snprintf (head, sizeof head, "head %08u", i);
      shoal_outbox_append_file (self->dialler->outbox, (const guint8 *) head, 13,
                                file, i * 20000, 16384, i + 1);
    }
  attend (self, self->dialler);
  WAIT (self, self->answerer->got->len == n_blocks * (13 + 16384));

  got = self->answerer->got->data;
  for (guint i = 0; i < n_blocks; i++)
    {
      char head[14];

      g_snprintf (head, sizeof head, "head %08u", i);
      g_assert_cmpmem (got, 13, head, 13);
      for (gsize j = 0; j < 16384; j++)
        {
          if (got[13 + j] != byte_at (i * 20000 + j))
            g_error ("Byte %" G_GSIZE_FORMAT " of block %u is wrong", j, i);
        }
      got += 13 + 16384;
    }
  shoal_file_ref_unref (file);
  shoal_test_remove_temp_dir (dir);
}

static void
test_short_file (Fixture       *self,
                 gconstpointer  data)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  ShoalFileRef *file = make_file (dir, 10000);

  meet (self);
  shoal_outbox_append_file (self->dialler->outbox, (const guint8 *) "head", 4,
                            file, 5000, 16384, 1);
  attend (self, self->dialler);
  WAIT (self, self->dialler->n_closed > 0);
  g_assert_cmpstr (self->dialler->why, ==, "A file is shorter than it was");
  shoal_file_ref_unref (file);
  shoal_test_remove_temp_dir (dir);
}

static GSocket *
unconnected (void)
{
  return g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
}

/* A connection from each of @from; while all are open nobody more comes from there, but others
 * do. */
static void
check_admits (Fixture         *self,
              const ShoalAddr *from,
              const ShoalAddr *more,
              const ShoalAddr *other)
{
  ShoalConn *conns[16];

  for (guint i = 0; i < G_N_ELEMENTS (conns); i++)
    {
      g_assert_true (shoal_conn_set_admits (self->conns, &from[i]));
      conns[i] = shoal_conn_accept (self->conns, unconnected (), &from[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (conns); i++)
    {
      g_assert_true (shoal_conn_set_admits (self->conns, more) == (i > 0));
      g_assert_true (shoal_conn_set_admits (self->conns, other));
      shoal_conn_discard (conns[i]);
    }
}

static void
test_admits (Fixture       *self,
             gconstpointer  data)
{
  const guint8 ip[4] = { 192, 0, 2, 1 };
  const guint8 other_ip[4] = { 192, 0, 2, 2 };
  ShoalAddr more = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 9);
  ShoalAddr other = shoal_addr_make (SHOAL_FAMILY_IPV4, other_ip, 1);
  ShoalAddr from[16];

  meet (self);
  for (guint i = 0; i < G_N_ELEMENTS (from); i++)
    from[i] = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, (guint16) (1000 + i));
  check_admits (self, from, &more, &other);
}

/* Whoever has an IPv6 address has 2^64 of them. */
static void
test_admits_site (Fixture       *self,
                  gconstpointer  data)
{
  guint8 ip[16] = { 0x2a, 0x01, 0x04, 0xf8, 0, 1, 0, 2 };
  ShoalAddr more = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 9);
  ShoalAddr other;
  ShoalAddr from[16];

  meet (self);
  for (guint i = 0; i < G_N_ELEMENTS (from); i++)
    {
      ip[8] = (guint8) (i + 1);
      from[i] = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 1000);
    }
  ip[7] = 3;
  other = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 1000);
  check_admits (self, from, &more, &other);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/conn/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("talk", test_talk);
  g_test_add ("/io/conn/bbr/asked", Fixture, GINT_TO_POINTER (TRUE), set_up, test_bbr, tear_down);
  g_test_add ("/io/conn/bbr/not-asked", Fixture, GINT_TO_POINTER (FALSE), set_up, test_bbr,
              tear_down);
  ADD ("refused", test_refused);
  ADD ("not-wanted", test_not_wanted);
  ADD ("refuse-to-dial", test_refuse_to_dial);
  ADD ("dial-timeout", test_dial_timeout);
  ADD ("hang-up", test_hang_up);
  ADD ("hang-up-inside", test_hang_up_inside);
  ADD ("last-words", test_last_words);
  ADD ("no-reading", test_no_reading);
  ADD ("no-window", test_no_window);
  ADD ("low-mark", test_low_mark);
  ADD ("much", test_much);
  ADD ("pace", test_pace);
  ADD ("file", test_file);
  ADD ("short-file", test_short_file);
  ADD ("admits", test_admits);
  ADD ("admits/site", test_admits_site);

  return g_test_run ();
}
