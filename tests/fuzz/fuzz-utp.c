/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: a uTP connection under packets of any kind, in any order, at any time. */

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
    .type = kind % 5,
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

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalReader r = shoal_reader (data, size);
  Target self = { .now_us = G_USEC_PER_SEC, .theirs = 1 };

  if (shoal_reader_u8 (&r) & 1)
    {
      self.utp = shoal_utp_new_dial (1, 65530, SHOAL_FAMILY_IPV4, &self.buffers, self.now_us);
    }
  else
    {
      ShoalUtpPacket syn = { .type = SHOAL_UTP_SYN, .id = 1, .window = 100000 };

      self.utp = shoal_utp_new_accept (&syn, 65530, SHOAL_FAMILY_IPV6, &self.buffers, self.now_us, self.now_us);
    }
  flush (&self);

  while (!r.bad && shoal_reader_left (&r) > 0)
    {
      guint8 step = shoal_reader_u8 (&r);

      switch (step % 8)
        {
        case 0:
        case 1:
        case 2:
          one_packet (&self, &r);
          break;
        case 3:
          one_write (&self);
          break;
        case 4:
          one_read (&self, step);
          break;
        case 5:
          self.now_us += (gint64) shoal_reader_u8 (&r) << (step >> 4);
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
      g_assert (self.buffers.received <= 2 * SHOAL_UTP_WINDOW_MAX + 65536 && self.buffers.sent <= SHOAL_UTP_WINDOW_MAX + 65536);
    }
  shoal_utp_free (self.utp);
  g_assert (self.buffers.received == 0 && self.buffers.sent == 0);

  return 0;
}
