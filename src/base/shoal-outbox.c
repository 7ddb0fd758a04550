/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outgoing bytes of one connection: small messages, buffers and file ranges, seen as spans. */

/*
 * Bytes that are copied in (small messages and the heads of large ones) lie one after another in
 * @bytes, in the order in which they go out; @entries says what stands between them. An entry is
 * some of these bytes followed by at most one body. Both are queues that slide forward in an
 * array and move back to its start when its end is reached, so neighbouring bytes are one span.
 *
 * The first @sealed bytes are enciphered where they lie.
 *
 * @size is the sum of what all entries still hold; no entry is empty. Only the first entry can be
 * sent in part. Engine thread only.
 */

#include "shoal-outbox.h"

#include <string.h>

#define FIRST_BYTES   256    /* capacity of @bytes */
#define FIRST_ENTRIES 8      /* capacity of @entries */
#define KEPT_BYTES    1024   /* the largest capacity that an empty outbox keeps */
#define KEPT_ENTRIES  32

typedef struct
{
  guint64        tag;
  gsize          head_size;    /* left to be sent, of the bytes */
  gsize          body_size;    /* left to be sent, of the buffer or the file */
  guint64        body_offset;  /* of what is left, in the buffer or the file */
  guint8        *buffer;       /* (nullable) */
  GDestroyNotify free_buffer;  /* (nullable) */
  ShoalFileRef  *file;         /* (nullable) (owned) */
  gboolean       has_body;
} Entry;

struct _ShoalOutbox
{
  gsize    size;
  gsize    sealed;

  guint8  *bytes;
  gsize    bytes_start;
  gsize    bytes_end;
  gsize    bytes_capacity;

  Entry   *entries;
  guint    first;
  guint    end;
  guint    n_allocated;
  gboolean first_started;      /* some of entries[first] was sent */
};

static void
entry_release (Entry *entry)
{
  if (entry->free_buffer != NULL)
    entry->free_buffer (entry->buffer);
  if (entry->file != NULL)
    shoal_file_ref_unref (entry->file);
}

/* Room for @size bytes at the end. */
static guint8 *
push_bytes (ShoalOutbox *self,
            gsize        size)
{
  gsize held = self->bytes_end - self->bytes_start;
  guint8 *space;

  if (size > self->bytes_capacity - self->bytes_end)
    {
      /* Moving less than half of the array is paid for by the bytes that were sent since. */
      if (held + size > self->bytes_capacity / 2)
        {
          gsize capacity = MAX (self->bytes_capacity, FIRST_BYTES / 2);
          guint8 *bytes;

          do
            capacity *= 2;
          while (held + size > capacity);
          bytes = g_malloc (capacity);
          if (held > 0)
            memcpy (bytes, self->bytes + self->bytes_start, held);
          g_free (self->bytes);
          self->bytes = bytes;
          self->bytes_capacity = capacity;
        }
      else
        {
          memmove (self->bytes, self->bytes + self->bytes_start, held);
        }
      self->bytes_start = 0;
      self->bytes_end = held;
    }

  space = self->bytes + self->bytes_end;
  self->bytes_end += size;

  return space;
}

static Entry *
push_entry (ShoalOutbox *self)
{
  Entry *entry;

  if (self->end == self->n_allocated)
    {
      guint held = self->end - self->first;

      if (held >= self->n_allocated / 2)
        {
          self->n_allocated = MAX (self->n_allocated * 2, FIRST_ENTRIES);
          self->entries = g_renew (Entry, self->entries, self->n_allocated);
        }
      memmove (self->entries, self->entries + self->first, held * sizeof (Entry));
      self->first = 0;
      self->end = held;
    }

  entry = &self->entries[self->end++];
  *entry = (Entry){ 0 };

  return entry;
}

/* Called when the last entry is gone: a connection at rest should not keep a burst's memory. */
static void
forget_entries (ShoalOutbox *self)
{
  g_assert (self->bytes_start == self->bytes_end);
  g_assert (self->size == 0);

  self->bytes_start = self->bytes_end = 0;
  self->first = self->end = 0;
  if (self->bytes_capacity > KEPT_BYTES)
    {
      g_clear_pointer (&self->bytes, g_free);
      self->bytes_capacity = 0;
    }
  if (self->n_allocated > KEPT_ENTRIES)
    {
      g_clear_pointer (&self->entries, g_free);
      self->n_allocated = 0;
    }
}

static Entry *
push_message (ShoalOutbox  *self,
              const guint8 *head,
              gsize         head_size,
              gsize         body_size,
              guint64       tag)
{
  Entry *entry = push_entry (self);

  if (head_size > 0)
    memcpy (push_bytes (self, head_size), head, head_size);
  entry->tag = tag;
  entry->head_size = head_size;
  entry->body_size = body_size;
  entry->has_body = TRUE;
  self->size += head_size + body_size;

  return entry;
}

ShoalFileRef *
shoal_file_ref_ref (ShoalFileRef *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (self->ref_count > 0, NULL);

  self->ref_count++;

  return self;
}

void
shoal_file_ref_unref (ShoalFileRef *self)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (self->ref_count > 0);

  if (--self->ref_count == 0 && self->release != NULL)
    self->release (self);
}

ShoalOutbox *
shoal_outbox_new (void)
{
  return g_new0 (ShoalOutbox, 1);
}

void
shoal_outbox_free (ShoalOutbox *self)
{
  if (self == NULL)
    return;

  for (guint i = self->first; i < self->end; i++)
    entry_release (&self->entries[i]);
  g_free (self->entries);
  g_free (self->bytes);
  g_free (self);
}

gsize
shoal_outbox_size (const ShoalOutbox *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->size;
}

gsize
shoal_outbox_unsent_bodies (const ShoalOutbox *self)
{
  gsize size = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = self->first; i < self->end; i++)
    size += self->entries[i].body_size;

  return size;
}

guint8 *
shoal_outbox_append (ShoalOutbox *self,
                     gsize        size)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (size > 0 && size < G_MAXUINT32, NULL);

  if (self->first == self->end || self->entries[self->end - 1].has_body)
    push_entry (self);
  self->entries[self->end - 1].head_size += size;
  self->size += size;

  return push_bytes (self, size);
}

void
shoal_outbox_append_buffer (ShoalOutbox   *self,
                            const guint8  *head,
                            gsize          head_size,
                            guint8        *buffer,
                            gsize          size,
                            GDestroyNotify free_buffer,
                            guint64        tag)
{
  Entry *entry;

  g_return_if_fail (self != NULL);
  g_return_if_fail (head != NULL || head_size == 0);
  g_return_if_fail (buffer != NULL || size == 0);
  g_return_if_fail (head_size < G_MAXUINT32 && size < G_MAXUINT32);

  if (head_size + size == 0)
    {
      if (free_buffer != NULL)
        free_buffer (buffer);
      return;
    }

  entry = push_message (self, head, head_size, size, tag);
  entry->buffer = buffer;
  entry->free_buffer = free_buffer;
}

void
shoal_outbox_append_file (ShoalOutbox  *self,
                          const guint8 *head,
                          gsize         head_size,
                          ShoalFileRef *file,
                          guint64       offset,
                          guint32       size,
                          guint64       tag)
{
  Entry *entry;

  g_return_if_fail (self != NULL);
  g_return_if_fail (head != NULL || head_size == 0);
  g_return_if_fail (file != NULL);
  g_return_if_fail (head_size < G_MAXUINT32);

  if (head_size + size == 0)
    return;

  entry = push_message (self, head, head_size, size, tag);
  entry->body_offset = offset;
  entry->file = shoal_file_ref_ref (file);
}

gboolean
shoal_outbox_drop (ShoalOutbox *self,
                   guint64      tag)
{
  gsize at;
  gsize before = 0;   /* bytes and bodies in front of the entry */

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (tag != 0, FALSE);

  at = self->bytes_start;
  for (guint i = self->first; i < self->end; i++)
    {
      Entry entry = self->entries[i];

      if (entry.tag != tag || (i == self->first && self->first_started) || before < self->sealed)
        {
          at += entry.head_size;
          before += entry.head_size + entry.body_size;
          continue;
        }

      if (entry.head_size > 0)
        memmove (self->bytes + at, self->bytes + at + entry.head_size,
                 self->bytes_end - at - entry.head_size);
      self->bytes_end -= entry.head_size;
      memmove (self->entries + i, self->entries + i + 1, (self->end - i - 1) * sizeof (Entry));
      self->end--;
      self->size -= entry.head_size + entry.body_size;
      if (self->first == self->end)
        forget_entries (self);
      entry_release (&entry);

      return TRUE;
    }

  return FALSE;
}

/* Enciphers what lies at or behind @from of @size bytes, which begin at @at of the outbox; not
 * beyond @upto. */
static void
encipher_part (ShoalRc4 *rc4,
               guint8   *bytes,
               gsize     at,
               gsize     size,
               gsize     from,
               gsize     upto)
{
  gsize start = MAX (at, from);
  gsize end = MIN (at + size, upto);

  if (start < end)
    shoal_rc4_apply (rc4, bytes + (start - at), end - start);
}

void
shoal_outbox_encipher (ShoalOutbox *self,
                       ShoalRc4    *rc4,
                       gsize        upto)
{
  gsize bytes_at;
  gsize at = 0;

  g_return_if_fail (self != NULL && rc4 != NULL);

  upto = MIN (upto, self->size);
  bytes_at = self->bytes_start;
  for (guint i = self->first; i < self->end && at < upto; i++)
    {
      const Entry *entry = &self->entries[i];

      encipher_part (rc4, self->bytes + bytes_at, at, entry->head_size, self->sealed, upto);
      bytes_at += entry->head_size;
      at += entry->head_size;
      if (entry->body_size > 0)
        {
          g_assert (entry->file == NULL);
          encipher_part (rc4, entry->buffer + entry->body_offset, at, entry->body_size,
                         self->sealed, upto);
          at += entry->body_size;
        }
    }
  self->sealed = MAX (self->sealed, upto);
}

void
shoal_outbox_seal (ShoalOutbox *self)
{
  g_return_if_fail (self != NULL);

  self->sealed = self->size;
}

guint
shoal_outbox_spans (ShoalOutbox *self,
                    ShoalSpan   *spans,
                    guint        max)
{
  gsize run_start;
  gsize run_end;
  guint n = 0;

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (spans != NULL || max == 0, 0);

  /* Bytes are gathered over the entries until a body interrupts them. */
  run_start = run_end = self->bytes_start;
  for (guint i = self->first; i < self->end && n < max; i++)
    {
      const Entry *entry = &self->entries[i];

      run_end += entry->head_size;
      if (entry->body_size == 0 && i + 1 < self->end)
        continue;

      if (run_end > run_start)
        {
          gsize run_size = MIN (run_end - run_start, G_MAXUINT32);

          spans[n++] = (ShoalSpan){ .bytes = self->bytes + run_start, .size = (guint32) run_size };
          run_start += run_size;
          if (run_start < run_end)
            break;
        }
      if (entry->body_size > 0 && n < max)
        {
          spans[n++] = (ShoalSpan){
            .bytes = entry->file != NULL ? NULL : entry->buffer + entry->body_offset,
            .file = entry->file,
            .offset = entry->file != NULL ? entry->body_offset : 0,
            .size = (guint32) entry->body_size,
          };
        }
    }

  return n;
}

void
shoal_outbox_sent (ShoalOutbox *self,
                   gsize        size)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (size <= self->size);

  self->size -= size;
  self->sealed -= MIN (self->sealed, size);
  while (size > 0)
    {
      Entry *entry;
      gsize head, body;

      /* Every byte is of an entry. */
      g_assert (self->first < self->end);
      entry = &self->entries[self->first];
      head = MIN (size, entry->head_size);
      body = MIN (size - head, entry->body_size);

      self->first_started = TRUE;
      self->bytes_start += head;
      entry->head_size -= head;
      entry->body_size -= body;
      entry->body_offset += body;
      size -= head + body;

      if (entry->head_size + entry->body_size == 0)
        {
          Entry done = *entry;

          self->first++;
          self->first_started = FALSE;
          if (self->first == self->end)
            forget_entries (self);
          entry_release (&done);
        }
    }
}
