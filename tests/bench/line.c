/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line between two network namespaces: a rate, a delay, loss and a queue, by two TUN devices;
 * needs no netem. */

/*
 * line PID-A PID-B MBIT DELAY-MS LOSS QUEUE-PACKETS [BLOCKED-PORT...]
 *
 * PID: a process in the namespace, which gets the device "way0". Each direction sends one packet
 * after the other at MBIT, behind a queue that takes QUEUE-PACKETS of 1500 bytes and drops what is
 * more; then LOSS of them are dropped by chance, always the same, and the rest arrives DELAY-MS
 * later. TCP from or to a BLOCKED-PORT is dropped, so that programs that cannot be told to use uTP
 * alone do.
 *
 * Prints "ready", and for each line on its standard input one of numbers about what went from A to
 * B since the one before: seconds, payload of uTP and bytes of TCP that arrived, packets of data
 * that arrived, and of these twice, mean and largest delay of the queue in ms, packets that it
 * dropped, packets that chance dropped; then packets of data that arrived from B, and of these
 * twice.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX   2048u
#define DUE_MAX      65536u                 /* packets under way in one direction */
#define FULL_PACKET  1500
#define READS_MAX    64
#define AGAIN_NS     (3ll * 1000000000)     /* numbers of packets come round after more than this */
#define SEEN_IDS     16u                    /* connections that are told apart */
#define IDLE_NS      (1ll * 1000000000)
#define PORTS_MAX    8

typedef struct
{
  int64_t at_ns;
  size_t  size;
  uint8_t bytes[PACKET_MAX];
} Due;

typedef struct
{
  uint64_t utp_payload, tcp_bytes, n_data, n_twice, n_packets, n_overflow, n_lost;
  double   queue_ms, queue_most_ms;
} Count;

typedef struct
{
  int      tun;
  int64_t  free_ns;          /* when it is idle again */
  Due     *due;              /* a ring */
  unsigned first, n;
  Count    count;
  int64_t *seen_ns;          /* by connection and number: when it arrived */
} Direction;

typedef struct
{
  Direction ways[2];         /* from A, from B */
  double    byte_ns;
  int64_t   delay_ns;
  double    loss;
  double    queue_ns;
  uint64_t  random;
  unsigned  ports[PORTS_MAX];
  int       n_ports;
} Line;

static void
die (const char *what)
{
  fprintf (stderr, "line: %s: %s\n", what, strerror (errno));
  exit (1);
}

static int64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);

  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* xorshift64* */
static double
chance (Line *self)
{
  self->random ^= self->random >> 12;
  self->random ^= self->random << 25;
  self->random ^= self->random >> 27;

  return (double) ((self->random * 2685821657736338717ull) >> 11) / 9007199254740992.0;
}

static int
open_tun (const char *pid)
{
  struct ifreq request = { .ifr_name = "way0", .ifr_flags = IFF_TUN | IFF_NO_PI };
  char path[64];
  int space, tun;

  snprintf (path, sizeof path, "/proc/%s/ns/net", pid);
  space = open (path, O_RDONLY);
  if (space < 0 || setns (space, CLONE_NEWNET) < 0)
    die (path);
  close (space);
  tun = open ("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (tun < 0 || ioctl (tun, TUNSETIFF, &request) < 0)
    die ("/dev/net/tun");

  return tun;
}

static unsigned
u16 (const uint8_t *at)
{
  return (unsigned) at[0] << 8 | at[1];
}

/* Where the transport header of an IPv4 packet begins; 0: it is none of @protocol with @least bytes
 * there. */
static size_t
transport (const uint8_t *bytes,
           size_t         size,
           uint8_t        protocol,
           size_t         least)
{
  size_t at = size > 0 ? (bytes[0] & 15u) * 4u : 0;

  return size >= 20 && bytes[0] >> 4 == 4 && bytes[9] == protocol && at >= 20 && at + least <= size
           ? at
           : 0;
}

static bool
is_blocked (const Line    *self,
            const uint8_t *bytes,
            size_t         size)
{
  size_t at = transport (bytes, size, IPPROTO_TCP, 20);

  for (int i = 0; at != 0 && i < self->n_ports; i++)
    if (u16 (bytes + at) == self->ports[i] || u16 (bytes + at + 2) == self->ports[i])
      return true;

  return false;
}

static void
count_arrived (Direction *self,
               const Due *packet,
               int64_t    at_ns)
{
  const uint8_t *bytes = packet->bytes;
  size_t at = transport (bytes, packet->size, IPPROTO_UDP, 28);
  int64_t *seen_ns;
  uint8_t extension;

  if (transport (bytes, packet->size, IPPROTO_TCP, 20) != 0)
    self->count.tcp_bytes += packet->size;
  /* Version 1, and data. */
  if (at == 0 || bytes[at + 8] != 1)
    return;
  seen_ns = &self->seen_ns[(u16 (bytes + at + 10) % SEEN_IDS) << 16 | u16 (bytes + at + 24)];
  self->count.n_data++;
  if (*seen_ns != 0 && at_ns - *seen_ns < AGAIN_NS)
    {
      self->count.n_twice++;
      return;
    }
  *seen_ns = at_ns;
  extension = bytes[at + 9];
  for (at += 28; extension != 0 && at + 2 <= packet->size; at += 2u + bytes[at + 1])
    extension = bytes[at];
  if (at < packet->size)
    self->count.utp_payload += packet->size - at;
}

/* What was sent into one device: waits for its turn, or is dropped. */
static void
take (Line      *self,
      Direction *way)
{
  for (int i = 0; i < READS_MAX; i++)
    {
      Due *packet = &way->due[(way->first + way->n) % DUE_MAX];
      ssize_t size = read (way->tun, packet->bytes, PACKET_MAX);
      int64_t now = now_ns ();
      int64_t waits_ns = way->free_ns > now ? way->free_ns - now : 0;

      if (size <= 0)
        return;
      if (is_blocked (self, packet->bytes, (size_t) size))
        continue;
      if ((double) waits_ns > self->queue_ns || way->n + 1 == DUE_MAX)
        {
          way->count.n_overflow++;
          continue;
        }
      way->count.n_packets++;
      way->count.queue_ms += (double) waits_ns / 1e6;
      if ((double) waits_ns / 1e6 > way->count.queue_most_ms)
        way->count.queue_most_ms = (double) waits_ns / 1e6;
      way->free_ns = now + waits_ns + (int64_t) ((double) size * self->byte_ns);
      if (chance (self) < self->loss)
        {
          way->count.n_lost++;
          continue;
        }
      packet->size = (size_t) size;
      packet->at_ns = way->free_ns + self->delay_ns;
      way->n++;
    }
}

static void
give (Direction *way,
      int        tun)
{
  for (int64_t now = now_ns (); way->n > 0 && way->due[way->first].at_ns <= now; way->n--)
    {
      Due *packet = &way->due[way->first];

      /* The other end takes no more, or is not up yet: lost. */
      if (write (tun, packet->bytes, packet->size) == (ssize_t) packet->size)
        count_arrived (way, packet, now);
      way->first = (way->first + 1) % DUE_MAX;
    }
}

static void
answer (Direction *ways,
        int64_t   *since_ns)
{
  const Count *c = &ways[0].count, *back = &ways[1].count;
  int64_t now = now_ns ();
  char asked[64];

  if (read (STDIN_FILENO, asked, sizeof asked) <= 0)
    exit (0);
  printf ("%.6f %llu %llu %llu %llu %.3f %.3f %llu %llu %llu %llu\n",
          (double) (now - *since_ns) / 1e9, (unsigned long long) c->utp_payload,
          (unsigned long long) c->tcp_bytes, (unsigned long long) c->n_data,
          (unsigned long long) c->n_twice,
          c->n_packets > 0 ? c->queue_ms / (double) c->n_packets : 0.0, c->queue_most_ms,
          (unsigned long long) c->n_overflow, (unsigned long long) c->n_lost,
          (unsigned long long) back->n_data, (unsigned long long) back->n_twice);
  fflush (stdout);
  ways[0].count = ways[1].count = (Count){ 0 };
  *since_ns = now;
}

static void
carry (Line *self)
{
  struct pollfd fds[3] = { { self->ways[0].tun, POLLIN, 0 },
                           { self->ways[1].tun, POLLIN, 0 },
                           { STDIN_FILENO, POLLIN, 0 } };
  int64_t since_ns = now_ns ();

  for (;;)
    {
      int64_t now = now_ns (), next_ns = now + IDLE_NS;
      struct timespec wait;

      for (int i = 0; i < 2; i++)
        if (self->ways[i].n > 0 && self->ways[i].due[self->ways[i].first].at_ns < next_ns)
          next_ns = self->ways[i].due[self->ways[i].first].at_ns;
      next_ns = next_ns > now ? next_ns - now : 0;
      wait = (struct timespec){ next_ns / 1000000000, next_ns % 1000000000 };
      if (ppoll (fds, 3, &wait, NULL) < 0 && errno != EINTR)
        die ("ppoll");
      for (int i = 0; i < 2; i++)
        if (fds[i].revents != 0)
          take (self, &self->ways[i]);
      for (int i = 0; i < 2; i++)
        give (&self->ways[i], self->ways[1 - i].tun);
      if (fds[2].revents != 0)
        answer (self->ways, &since_ns);
    }
}

int
main (int    argc,
      char **argv)
{
  Line line = { .random = 88172645463325252ull };
  double mbit;

  if (argc < 7 || argc > 7 + PORTS_MAX)
    {
      fprintf (stderr, "line PID-A PID-B MBIT DELAY-MS LOSS QUEUE-PACKETS [BLOCKED-PORT...]\n");
      return 2;
    }
  mbit = strtod (argv[3], NULL);
  line.byte_ns = 8e3 / mbit;
  line.delay_ns = (int64_t) (strtod (argv[4], NULL) * 1e6);
  line.loss = strtod (argv[5], NULL);
  line.queue_ns = strtod (argv[6], NULL) * FULL_PACKET * line.byte_ns;
  for (; line.n_ports < argc - 7; line.n_ports++)
    line.ports[line.n_ports] = (unsigned) strtoul (argv[7 + line.n_ports], NULL, 10);
  for (int i = 0; i < 2; i++)
    {
      line.ways[i].tun = open_tun (argv[1 + i]);
      line.ways[i].due = calloc (DUE_MAX, sizeof (Due));
      line.ways[i].seen_ns = calloc (SEEN_IDS << 16, sizeof (int64_t));
      if (line.ways[i].due == NULL || line.ways[i].seen_ns == NULL)
        die ("memory");
    }
  /* It stands for hardware: late packets would be its fault, not that of who is measured. */
  if (setpriority (PRIO_PROCESS, 0, -10) < 0)
    fprintf (stderr, "line: no priority: %s\n", strerror (errno));
  puts ("ready");
  fflush (stdout);
  carry (&line);
}
