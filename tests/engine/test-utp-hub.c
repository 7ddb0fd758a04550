/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of uTP connections: two of them talk, strangers are many, the system takes no more. */

#include <string.h>
#include "fake-host.h"
#include "shoal-utp-hub.h"
#include "shoal-utp-mtu.h"

typedef struct
{
  FakeHost       *host;
  ShoalTimers    *timers;
  ShoalRng        rng;
  ShoalUtpHub    *hub;
  ShoalUtpSocket *socket;     /* of the one that was accepted or dialled */
  GString        *heard;
  const char     *says;       /* once */
  guint           n_opened;
  guint           n_gone;
} End;

static gpointer
end_accept (gpointer         user_data,
            ShoalUtpSocket  *socket,
            const ShoalAddr *from)
{
  ((End *) user_data)->socket = socket;

  return user_data;
}

static void
end_opened (gpointer owner)
{
  ((End *) owner)->n_opened++;
}

static void
end_input (gpointer owner)
{
  End *self = owner;
  char bytes[100];
  struct iovec iov = { bytes, sizeof bytes };

  while (shoal_utp_socket_unread (self->socket) > 0)
    g_string_append_len (self->heard, bytes,
                         (gssize) shoal_utp_socket_read (self->socket, &iov, 1));
}

static gsize
end_output (gpointer owner,
            guint8  *out,
            gsize    room)
{
  End *self = owner;
  gsize size = self->says != NULL ? strlen (self->says) : 0;

  g_assert_cmpuint (size, <=, room);
  if (size > 0)
    memcpy (out, self->says, size);
  self->says = NULL;

  return size;
}

static void
end_gone (gpointer    owner,
          const char *why)
{
  ((End *) owner)->n_gone++;
}

static const ShoalUtpHubOps end_ops = { end_accept, end_opened, end_input, end_output, end_gone };

static const gint64 now_us = 5 * G_USEC_PER_SEC;

static void
end_init (End     *self,
          guint64  seed)
{
  *self = (End){ .host = fake_host_new (seed),
                 .timers = shoal_timers_new (),
                 .heard = g_string_new (NULL) };
  shoal_rng_init (&self->rng, seed);
  self->hub = shoal_utp_hub_new (&self->host->host, self->timers, &self->rng, &end_ops, self);
  shoal_utp_hub_accept (self->hub, TRUE);
}

static void
end_clear (End *self)
{
  shoal_utp_hub_drop_all (self->hub, now_us);
  shoal_utp_hub_free (self->hub);
  shoal_timers_free (self->timers);
  fake_host_free (self->host);
  g_string_free (self->heard, TRUE);
}

static ShoalAddr
addr (guint number)
{
  const guint8 ip[4] = { 1, 2, (guint8) (number >> 8), (guint8) number };

  return shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 7000);
}

/* What @from sent goes to @to, which sees it come from @number. Returns how many datagrams. */
static guint
pass (End   *from,
      End   *to,
      guint  number)
{
  ShoalAddr source = addr (number);
  guint n = 0;

  shoal_utp_hub_deliver (from->hub, now_us);
  shoal_utp_hub_flush (from->hub, now_us);
  for (; from->host->datagrams->len > 0; n++)
    {
      g_autoptr (GBytes) bytes = fake_host_take_datagram (from->host, NULL);
      gsize size;
      const guint8 *data = g_bytes_get_data (bytes, &size);

      g_assert_true (shoal_utp_hub_datagram (to->hub, &source, data, size, now_us, now_us));
    }

  return n;
}

static void
test_talk (void)
{
  char answer[SHOAL_UTP_MTU_BASE - SHOAL_UTP_HEADER_SIZE + 1] = { 0 };   /* one full packet */
  End a, b;
  ShoalAddr to = addr (2);

  end_init (&a, 1);
  end_init (&b, 2);
  a.says = "hello";
  a.socket = shoal_utp_socket_dial (a.hub, &to, &a, now_us);
  while (pass (&a, &b, 1) + pass (&b, &a, 2) > 0)
    continue;
  g_assert_cmpuint (a.n_opened, ==, 1);
  g_assert_cmpstr (b.heard->str, ==, "hello");

  /* The system takes nothing for a while. What was to be sent whole still is: a larger packet. */
  memset (answer, 'a', sizeof answer - 1);
  b.host->send_result = SHOAL_SEND_FULL;
  b.says = answer;
  shoal_utp_socket_attend (b.socket);
  g_assert_cmpuint (pass (&b, &a, 2), ==, 0);
  b.host->send_result = SHOAL_SEND_SENT;
  g_assert_cmpuint (pass (&b, &a, 2), ==, 0);
  shoal_utp_hub_writable (b.hub);
  shoal_utp_hub_flush (b.hub, now_us);
  g_assert_cmpint (g_array_index (b.host->datagrams, FakeDatagram, 0).flags, ==, SHOAL_SEND_WHOLE);
  while (pass (&b, &a, 2) + pass (&a, &b, 1) > 0)
    continue;
  g_assert_cmpstr (a.heard->str, ==, answer);

  shoal_utp_socket_release (a.socket, now_us);
  while (pass (&a, &b, 1) + pass (&b, &a, 2) > 0)
    continue;
  g_assert_cmpuint (b.n_gone, ==, 1);
  g_assert_cmpuint (a.n_gone, ==, 0);
  end_clear (&a);
  end_clear (&b);
}

static void
send_packet (End          *to,
             guint         from,
             ShoalUtpType  type,
             guint16       id)
{
  ShoalUtpPacket packet = { .type = type, .id = id, .seq = 1, .window = 100000 };
  ShoalAddr source = addr (from);
  guint8 bytes[SHOAL_UTP_HEADER_SIZE];

  shoal_utp_packet_write_head (&packet, 0, bytes);
  g_assert_true (shoal_utp_hub_datagram (to->hub, &source, bytes, sizeof bytes, now_us, now_us));
}

/* SYNs without end make neither owners nor memory without end. */
static void
test_flood (void)
{
  End b;

  end_init (&b, 3);
  for (guint i = 0; i < 1000; i++)
    send_packet (&b, 1, SHOAL_UTP_SYN, (guint16) (2 * i));
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, SHOAL_UTP_FROM_SITE_MAX);
  for (guint i = 0; i < 1000; i++)
    send_packet (&b, 2 + i, SHOAL_UTP_SYN, 7);
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, SHOAL_UTP_HALF_OPEN_MAX);
  g_assert_null (b.socket);
  end_clear (&b);
}

static void
dial_from (End        *to,
           const char *net,
           guint       n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("[%s::%x]", net, i + 1);
      ShoalUtpPacket syn = { .type = SHOAL_UTP_SYN, .id = 7, .seq = 1, .window = 100000 };
      guint8 bytes[SHOAL_UTP_HEADER_SIZE];
      ShoalAddr source;

      g_assert_true (shoal_addr_parse (&source, text, 7000));
      shoal_utp_packet_write_head (&syn, 0, bytes);
      g_assert_true (shoal_utp_hub_datagram (to->hub, &source, bytes, sizeof bytes, now_us,
                                             now_us));
    }
}

/* Whoever has a whole network counts as one, for as long as his connections last. */
static void
test_sites (void)
{
  gint64 late_us = now_us + SHOAL_UTP_HALF_OPEN_US;
  End b;

  end_init (&b, 5);
  dial_from (&b, "2a00:1:1:1", 100);
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, SHOAL_UTP_FROM_SITE_MAX);
  dial_from (&b, "2a00:1:1:2", 1);
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, SHOAL_UTP_FROM_SITE_MAX + 1);
  dial_from (&b, "fe80", 20);
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, SHOAL_UTP_FROM_SITE_MAX + 21);

  shoal_utp_hub_flush (b.hub, now_us);
  shoal_timers_expire (b.timers, late_us);
  shoal_utp_hub_deliver (b.hub, late_us);
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, 0);
  dial_from (&b, "2a00:1:1:1", 100);
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, SHOAL_UTP_FROM_SITE_MAX);
  while (b.host->datagrams->len > 0)
    g_bytes_unref (fake_host_take_datagram (b.host, NULL));
  end_clear (&b);
}

static void
test_resets (void)
{
  End b;
  guint8 other[30] = { 'd', '1' };
  ShoalAddr from = addr (1);

  end_init (&b, 4);
  for (guint i = 0; i < 100; i++)
    send_packet (&b, i, i % 2 ? SHOAL_UTP_DATA : SHOAL_UTP_STATE, 9);
  g_assert_cmpuint (b.host->datagrams->len, ==, SHOAL_UTP_RESETS_PER_SECOND);
  for (guint i = 0; i < 100; i++)
    send_packet (&b, i, SHOAL_UTP_RESET, 9);
  g_assert_cmpuint (b.host->datagrams->len, ==, SHOAL_UTP_RESETS_PER_SECOND);
  /* Nor is anything else ours. */
  g_assert_false (shoal_utp_hub_datagram (b.hub, &from, other, sizeof other, now_us, now_us));
  g_assert_cmpuint (shoal_utp_hub_count (b.hub), ==, 0);
  while (b.host->datagrams->len > 0)
    g_bytes_unref (fake_host_take_datagram (b.host, NULL));
  end_clear (&b);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/utp-hub/talk", test_talk);
  g_test_add_func ("/engine/utp-hub/flood", test_flood);
  g_test_add_func ("/engine/utp-hub/sites", test_sites);
  g_test_add_func ("/engine/utp-hub/resets", test_resets);

  return g_test_run ();
}
