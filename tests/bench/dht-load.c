/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dht-load PORT SECONDS: how many questions a second the DHT node at 127.0.0.1 answers. */

/*
 * First it is a neighbourhood: nodes at addresses of their own make themselves known and answer the
 * other's questions, so that its answers are full ones. Then one socket keeps questions under way,
 * find_node and get_peers in turn, and counts answers. Prints "warm" when the measurement begins,
 * then answers, questions, bytes of the answers, and how many nodes one tells of.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shoal-krpc.h"

#define N_NODES   64u
#define N_FLYING  64u      /* questions under way */
#define WARM_US   (20 * (gint64) G_USEC_PER_SEC)
#define CALL_US   (2 * (gint64) G_USEC_PER_SEC)     /* between calls of the neighbours */
#define LOST_US   (G_USEC_PER_SEC / 4)              /* an answer that takes so long does not come */
#define FIRST_IP  0x7f010001u                       /* 127.1.0.1 and the following */
#define LOOKED_AT 64u      /* one answer of so many is read */
#define BUFFERS   (4 * 1024 * 1024)

typedef struct
{
  int       fd;
  ShoalSha1 id;
} Node;

static struct sockaddr_in target;

static int
open_socket (guint32 ip)
{
  struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (ip) };
  int size = BUFFERS;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

  if (fd < 0 || bind (fd, (struct sockaddr *) &own, sizeof own) != 0
      || connect (fd, (struct sockaddr *) &target, sizeof target) != 0)
    g_error ("no socket: %s", g_strerror (errno));
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);

  return fd;
}

static void
fill_random (ShoalSha1 *id)
{
  for (guint i = 0; i < sizeof id->bytes; i++)
    id->bytes[i] = (guint8) g_random_int ();
}

static void
say (int              fd,
     const ShoalKrpc *krpc)
{
  g_auto(ShoalWriter) out = { 0 };

  shoal_krpc_write (krpc, &out);
  if (send (fd, out.data, out.size, 0) < 0)
    g_debug ("not sent: %s", g_strerror (errno));
}

static void
call (const Node *node)
{
  ShoalKrpc query;

  shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_FIND_NODE);
  query.flags = SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET;
  query.id = query.target = node->id;
  query.transaction = (ShoalKrpcBytes){ (const guint8 *) "call", 4 };
  say (node->fd, &query);
}

static void
hear (const Node *node)
{
  guint8 packet[2048];
  gssize size;
  ShoalKrpc query;
  ShoalKrpc answer;

  while ((size = recv (node->fd, packet, sizeof packet, 0)) > 0)
    {
      if (!shoal_krpc_parse (&query, packet, (gsize) size) || query.type != SHOAL_KRPC_QUERY)
        continue;
      shoal_krpc_init (&answer, SHOAL_KRPC_ANSWER, query.method);
      answer.id = node->id;
      answer.transaction = query.transaction;
      if (query.method == SHOAL_KRPC_GET_PEERS)
        answer.token = (ShoalKrpcBytes){ (const guint8 *) "token", 5 };
      say (node->fd, &answer);
    }
}

static void
settle (Node *nodes)
{
  struct pollfd polls[N_NODES];
  gint64 end_us = g_get_monotonic_time () + WARM_US;
  gint64 call_us = 0;

  for (guint i = 0; i < N_NODES; i++)
    polls[i] = (struct pollfd){ nodes[i].fd, POLLIN, 0 };
  while (g_get_monotonic_time () < end_us)
    {
      if (g_get_monotonic_time () >= call_us)
        {
          for (guint i = 0; i < N_NODES; i++)
            call (&nodes[i]);
          call_us = g_get_monotonic_time () + CALL_US;
        }
      poll (polls, N_NODES, 100);
      for (guint i = 0; i < N_NODES; i++)
        hear (&nodes[i]);
    }
}

static void
ask (int     fd,
     guint32 number)
{
  ShoalKrpc query;

  shoal_krpc_init (&query, SHOAL_KRPC_QUERY,
                   number % 2 == 0 ? SHOAL_KRPC_FIND_NODE : SHOAL_KRPC_GET_PEERS);
  query.flags = SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_READ_ONLY;
  memset (query.id.bytes, 0x5a, sizeof query.id.bytes);
  fill_random (&query.target);
  query.transaction = (ShoalKrpcBytes){ (const guint8 *) &number, sizeof number };
  say (fd, &query);
}

static void
measure (gint64 duration_us)
{
  int fd = open_socket (INADDR_LOOPBACK);
  gint64 end_us = g_get_monotonic_time () + duration_us;
  guint64 n_answers = 0, n_bytes = 0, n_nodes = 0, n_read = 0;
  guint32 n_asked = 0;
  guint n_flying = 0;

  while (g_get_monotonic_time () < end_us)
    {
      struct pollfd poller = { fd, POLLIN, 0 };
      guint8 packet[2048];
      gssize size;

      for (; n_flying < N_FLYING; n_flying++)
        ask (fd, n_asked++);
      if (poll (&poller, 1, LOST_US / 1000) == 0)
        n_flying = 0;
      while ((size = recv (fd, packet, sizeof packet, 0)) > 0)
        {
          ShoalKrpc answer;

          n_answers++;
          n_bytes += (guint64) size;
          if (n_answers % LOOKED_AT == 0 && shoal_krpc_parse (&answer, packet, (gsize) size))
            {
              n_read++;
              n_nodes += answer.nodes4.size / SHOAL_KRPC_NODE4_SIZE;
            }
          n_flying -= n_flying > 0 ? 1 : 0;
        }
    }
  g_print ("%" G_GUINT64_FORMAT " %u %" G_GUINT64_FORMAT " %.2f\n", n_answers, n_asked, n_bytes,
           (double) n_nodes / MAX (n_read, 1));
}

int
main (int    argc,
      char **argv)
{
  Node nodes[N_NODES];

  if (argc != 3)
    g_error ("dht-load PORT SECONDS");
  target = (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons ((guint16) atoi (argv[1])),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  for (guint i = 0; i < N_NODES; i++)
    {
      nodes[i].fd = open_socket (FIRST_IP + i);
      fill_random (&nodes[i].id);
    }
  settle (nodes);
  g_print ("warm\n");
  measure (atoi (argv[2]) * (gint64) G_USEC_PER_SEC);

  return 0;
}
