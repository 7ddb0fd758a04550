/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: a uTP connection under packets of any kind, or two that talk over the worst of
 * ways. */

/*
 * The first byte says which. A single end gets packets that are made of the input. Two ends get
 * each other's packets, and the input says what is lost, doubled, late or changed on the way, when
 * they write, read, wait and close. As long as nothing was changed, what one end reads is what the
 * other wrote.
 */

#include <string.h>
#include "shoal-reader.h"
#include "shoal-timers.h"
#include "shoal-utp.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  ShoalUtpBuffers buffers;
  ShoalUtp       *utp;
  gint64          now_us;
  guint16         theirs;   /* numbers that the other end may use */
  guint16         ours;     /* and that it saw */
} Target;

static void
flush (Target *self)
{
  static const guint tries = 200;
  guint8 train[SHOAL_UTP_TRAIN_MAX];
  guint segment, probe;

  for (guint i = 0; i < tries; i++)
    {
      gsize n = shoal_utp_output (self->utp, train, &segment, &probe, self->now_us);
      ShoalUtpPacket packet;

      g_assert (n <= sizeof train && segment <= n && probe <= SHOAL_UTP_DATAGRAM_MAX);
      if (n == 0)
        return;
      g_assert (shoal_utp_packet_parse (&packet, train, segment != 0 ? segment : n));
      self->ours = packet.seq;
    }
  g_assert_not_reached ();
}

static void
one_packet (Target      *self,
            ShoalReader *r)
{
  static const guint8 bytes[1400];
  guint8 kind = shoal_reader_u8 (r);
  guint8 n_sack = shoal_reader_u8 (r) % 9 * 4;
  ShoalUtpPacket packet = {
    .type = (kind & 7) % 5,
    .sent_us = shoal_reader_u32 (r),
    .delay_us = shoal_reader_u32 (r),
    .window = (guint32) shoal_reader_u8 (r) << (kind >> 4),
    .seq = (guint16) (self->theirs + shoal_reader_u8 (r) - 16),
    .ack = (guint16) (self->ours + shoal_reader_u8 (r) - 128),
    .payload = bytes,
    .size = (gsize) shoal_reader_u16 (r) % (sizeof bytes + 1),
  };

  if (kind & 8)
    packet.seq = shoal_reader_u16 (r);
  packet.sack = shoal_reader_bytes (r, n_sack);
  packet.sack_size = packet.sack != NULL && n_sack > 0 ? n_sack : 0;
  if (packet.sack_size == 0)
    packet.sack = NULL;
  if (packet.type != SHOAL_UTP_DATA)
    packet.size = 0;
  if (packet.type == SHOAL_UTP_DATA && packet.seq == self->theirs)
    self->theirs++;
  shoal_utp_packet (self->utp, &packet, self->now_us, self->now_us);
}

static void
one_write (Target *self)
{
  static const guint8 bytes[SHOAL_UTP_TRAIN_MAX];
  gsize room = shoal_utp_room (self->utp, self->now_us);

  g_assert (room <= sizeof bytes);
  if (room > 0)
    shoal_utp_write (self->utp, bytes, room);
}

static void
one_read (Target *self,
          guint   n)
{
  guint8 bytes[4096];
  struct iovec iov[2] = { { bytes, n }, { bytes + n, sizeof bytes - n } };
  gsize unread = shoal_utp_unread (self->utp);

  g_assert (shoal_utp_read (self->utp, iov, 2) == MIN (unread, sizeof bytes));
}

static void
stand_alone (ShoalReader *r,
             gboolean     dials)
{
  Target self = { .now_us = G_USEC_PER_SEC, .theirs = 1 };

  if (dials)
    {
      self.utp = shoal_utp_new_dial (1, 65530, SHOAL_FAMILY_IPV4, &self.buffers, self.now_us);
    }
  else
    {
      ShoalUtpPacket syn = { .type = SHOAL_UTP_SYN, .id = 1, .window = 100000 };

      self.utp = shoal_utp_new_accept (&syn, 65530, SHOAL_FAMILY_IPV6, &self.buffers, self.now_us,
                                       self.now_us);
    }
  flush (&self);

  while (!r->bad && shoal_reader_left (r) > 0)
    {
      guint8 step = shoal_reader_u8 (r);

      switch (step % 8)
        {
        case 0:
        case 1:
        case 2:
          one_packet (&self, r);
          break;
        case 3:
          one_write (&self);
          break;
        case 4:
          one_read (&self, step);
          break;
        case 5:
          self.now_us += (gint64) shoal_reader_u8 (r) << (step >> 4);
          break;
        case 6:
          if (shoal_utp_deadline (self.utp) != SHOAL_NEVER)
            self.now_us = MAX (self.now_us, shoal_utp_deadline (self.utp));
          shoal_utp_tick (self.utp, self.now_us);
          break;
        default:
          if (step >> 4 == 0)
            shoal_utp_close (self.utp, self.now_us);
          else if (step >> 4 == 1)
            shoal_utp_too_big (self.utp, 1472, self.now_us);
          break;
        }
      if (step & 8)
        flush (&self);
      g_assert (self.buffers.received <= 2 * SHOAL_UTP_WINDOW_MAX + 65536
                && self.buffers.sent <= SHOAL_UTP_WINDOW_MAX + 65536);
    }
  shoal_utp_free (self.utp);
  g_assert (self.buffers.received == 0 && self.buffers.sent == 0);
}

/* --- Two ends --- */

#define QUEUE_MAX 128u   /* datagrams on the way to one end; more are lost */
#define STEPS_MAX 500u
#define PERIOD    4093u   /* bytes after which what is written begins anew: a multiple of nothing
                           * that packets have */
#define TURN      1024u   /* bytes written at once, at the least */

typedef struct
{
  ShoalUtp *utp;         /* (nullable): of the end that is dialled, until a SYN comes */
  GQueue    coming;      /* of GBytes */
  guint64   n_written;
  guint64   n_read;
} End;

typedef struct
{
  ShoalUtpBuffers buffers;
  End             ends[2];
  gint64          now_us;
  guint           largest;   /* bytes of a datagram that the way carries */
  gboolean        changed;   /* something was made up */
  guint8          text[PERIOD];
} Pair;

/* Writes what stands from @place on, or compares @bytes with it. FALSE: they differ. */
static gboolean
pass_text (const Pair *self,
           guint64     place,
           guint8     *bytes,
           gsize       size,
           gboolean    compare)
{
  while (size > 0)
    {
      gsize at = place % PERIOD;
      gsize n = MIN (size, PERIOD - at);

      if (!compare)
        memcpy (bytes, self->text + at, n);
      else if (memcmp (bytes, self->text + at, n) != 0)
        return FALSE;
      place += n;
      bytes += n;
      size -= n;
    }

  return TRUE;
}

static void
send_all (Pair *self,
          guint which)
{
  End *from = &self->ends[which];
  End *to = &self->ends[!which];
  guint8 train[SHOAL_UTP_TRAIN_MAX];
  guint segment, probe;
  gsize size;

  while (from->utp != NULL
         && (size = shoal_utp_output (from->utp, train, &segment, &probe, self->now_us)) > 0)
    {
      if (probe > self->largest)
        shoal_utp_too_big (from->utp, probe, self->now_us);
      segment = segment == 0 ? (guint) size : segment;
      for (gsize at = 0; at < size; at += segment)
        {
          gsize n = MIN (segment, size - at);

          g_assert (n <= SHOAL_UTP_DATAGRAM_MAX);
          if (n <= self->largest && to->coming.length < QUEUE_MAX)
            g_queue_push_tail (&to->coming, g_bytes_new (train + at, n));
        }
    }
}

static void
deliver (Pair *self,
         guint which,
         guint place,
         guint times)
{
  End *to = &self->ends[which];
  g_autoptr(GBytes) bytes =
    g_queue_pop_nth (&to->coming, to->coming.length > 0 ? place % to->coming.length : 0);
  ShoalUtpPacket packet;
  gsize size;

  if (bytes == NULL
      || !shoal_utp_packet_parse (&packet, g_bytes_get_data (bytes, NULL),
                                  g_bytes_get_size (bytes)))
    return;
  for (guint i = 0; i < times; i++)
    if (to->utp != NULL && packet.id == shoal_utp_id (to->utp))
      shoal_utp_packet (to->utp, &packet, self->now_us, self->now_us);
    else if (to->utp == NULL && packet.type == SHOAL_UTP_SYN)
      to->utp = shoal_utp_new_accept (&packet, 65000, SHOAL_FAMILY_IPV4, &self->buffers,
                                      self->now_us, self->now_us);
  size = to->utp != NULL ? shoal_utp_unread (to->utp) : 0;
  g_assert (size <= SHOAL_UTP_WINDOW_MAX + SHOAL_UTP_UNREAD_MAX);
}

static void
change (Pair        *self,
        guint        which,
        ShoalReader *r)
{
  GBytes *bytes = g_queue_pop_head (&self->ends[which].coming);
  gsize size;
  guint8 *data;

  if (bytes == NULL)
    return;
  data = g_bytes_unref_to_data (bytes, &size);
  data[shoal_reader_u8 (r) % size] ^= (guint8) (1u << shoal_reader_u8 (r) % 8);
  g_queue_push_head (&self->ends[which].coming, g_bytes_new_take (data, size));
  self->changed = TRUE;
}

static void
write_some (Pair *self,
            guint which,
            guint most)
{
  End *end = &self->ends[which];
  guint8 bytes[16 * TURN];
  gsize room = end->utp != NULL ? MIN (shoal_utp_room (end->utp, self->now_us), most) : 0;

  if (room == 0)
    return;
  pass_text (self, end->n_written, bytes, room, FALSE);
  shoal_utp_write (end->utp, bytes, room);
  end->n_written += room;
}

static void
read_some (Pair *self,
           guint which)
{
  End *end = &self->ends[which];
  guint8 bytes[16 * TURN];
  struct iovec iov = { bytes, sizeof bytes };
  gsize n = end->utp != NULL ? shoal_utp_read (end->utp, &iov, 1) : 0;

  g_assert (self->changed || pass_text (self, end->n_read, bytes, n, TRUE));
  end->n_read += n;
  g_assert (self->changed || end->n_read <= self->ends[!which].n_written);
}

static void
wait_for_deadline (Pair *self)
{
  gint64 soonest = SHOAL_NEVER;

  for (guint i = 0; i < 2; i++)
    if (self->ends[i].utp != NULL)
      soonest = MIN (soonest, shoal_utp_deadline (self->ends[i].utp));
  if (soonest == SHOAL_NEVER)
    return;
  self->now_us = MAX (self->now_us, soonest);
  for (guint i = 0; i < 2; i++)
    if (self->ends[i].utp != NULL && shoal_utp_deadline (self->ends[i].utp) <= self->now_us)
      shoal_utp_tick (self->ends[i].utp, self->now_us);
}

static void
take_step (Pair        *self,
           ShoalReader *r)
{
  guint8 step = shoal_reader_u8 (r);
  guint which = step & 1;
  guint times = (step >> 4) + 1;

  switch (step >> 1 & 7)
    {
    case 0:
      for (guint i = 0; i < times; i++)
        deliver (self, which, 0, 1);
      break;
    case 1:
      write_some (self, which, times * TURN);
      break;
    case 2:
      read_some (self, which);
      break;
    case 3:
      self->now_us += (gint64) shoal_reader_u8 (r) << times;
      break;
    case 4:
      wait_for_deadline (self);
      break;
    case 5:
      for (guint i = 0; i < times && !g_queue_is_empty (&self->ends[which].coming); i++)
        g_bytes_unref (g_queue_pop_head (&self->ends[which].coming));
      break;
    case 6:
      deliver (self, which, shoal_reader_u8 (r), 1 + times % 2);
      break;
    default:
      if (times == 1)
        change (self, which, r);
      else if (times == 2 && self->ends[which].utp != NULL)
        shoal_utp_close (self->ends[which].utp, self->now_us);
      else if (times == 3)
        self->largest = 600 + 4 * shoal_reader_u8 (r);
      break;
    }
  send_all (self, 0);
  send_all (self, 1);
}

static void
talk (ShoalReader *r)
{
  Pair self = { .now_us = G_USEC_PER_SEC, .largest = 1500 };

  self.ends[0].utp = shoal_utp_new_dial (7, 65530, SHOAL_FAMILY_IPV4, &self.buffers, self.now_us);
  for (guint i = 0; i < PERIOD; i++)
    self.text[i] = (guint8) (i ^ i >> 8);
  send_all (&self, 0);
  for (guint i = 0; i < STEPS_MAX && !r->bad && shoal_reader_left (r) > 0; i++)
    take_step (&self, r);
  for (guint i = 0; i < 2; i++)
    {
      read_some (&self, i);
      shoal_utp_free (self.ends[i].utp);
      g_queue_clear_full (&self.ends[i].coming, (GDestroyNotify) g_bytes_unref);
    }
  g_assert (self.buffers.received == 0 && self.buffers.sent == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalReader r = shoal_reader (data, size);
  guint8 mode = shoal_reader_u8 (&r);

  if (mode & 2)
    talk (&r);
  else
    stand_alone (&r, (mode & 1) != 0);

  return 0;
}
