/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to name servers and their answers (RFC 1035, RFC 3596): the addresses of a name. */

/*
 * Names of a packet are turned into text before they are compared: lower case, without the dot at
 * the end. What cannot be in a name that we ask for becomes '?', so it is equal to none of them.
 * A compressed name may only point backwards, each time further, so its reading ends.
 */

#include "shoal-dns.h"

#include <string.h>
#include "shoal-reader.h"
#include "shoal-writer.h"

#define HEAD_SIZE      12u
#define NAME_MAX_SIZE  253u   /* characters */
#define LABEL_MAX      63u
#define CLASS_IN       1u
#define TYPE_CNAME     5u
#define ALIASES_MAX    8u     /* that one answer may chain */
#define POINTERS_MAX   32u    /* in one name */

#define FLAG_ANSWER    0x8000u
#define FLAG_OPCODE    0x7800u
#define FLAG_TRUNCATED 0x0200u
#define RCODE          0x000fu
#define RCODE_NO_NAME  3u

char *
shoal_dns_name (const char *host)
{
  g_autofree char *ascii = NULL;
  g_autofree char *name = NULL;
  gsize size;
  gsize label = 0;

  g_return_val_if_fail (host != NULL, NULL);

  if (strnlen (host, 4 * NAME_MAX_SIZE) == 4 * NAME_MAX_SIZE || !g_utf8_validate (host, -1, NULL))
    return NULL;
  ascii = g_hostname_to_ascii (host);
  if (ascii == NULL)
    return NULL;
  name = g_ascii_strdown (ascii, -1);
  size = strlen (name);
  if (size > 0 && name[size - 1] == '.')
    name[--size] = '\0';
  if (size == 0 || size > NAME_MAX_SIZE)
    return NULL;

  for (gsize i = 0; i <= size; i++)
    {
      if (i == size || name[i] == '.')
        {
          if (label == 0 || label > LABEL_MAX)
            return NULL;
          label = 0;
        }
      else if (!g_ascii_isalnum (name[i]) && name[i] != '-' && name[i] != '_')
        return NULL;
      else
        label++;
    }

  return g_steal_pointer (&name);
}

gsize
shoal_dns_write_query (guint8       *out,
                       guint16       id,
                       const char   *name,
                       ShoalDnsType  type)
{
  guint8 *at = out;

  g_return_val_if_fail (name != NULL && *name != '\0' && strlen (name) <= NAME_MAX_SIZE, 0);

  at = shoal_put (at, id, 2);
  at = shoal_put (at, 0x0100, 2);   /* the server is to follow the matter up */
  at = shoal_put (at, 1, 2);
  memset (at, 0, 6);
  at += 6;
  while (*name != '\0')
    {
      gsize label = strcspn (name, ".");

      *at++ = (guint8) label;
      memcpy (at, name, label);
      at += label;
      name += label + (name[label] == '.' ? 1 : 0);
    }
  *at++ = 0;
  at = shoal_put (at, type, 2);
  at = shoal_put (at, CLASS_IN, 2);

  return (gsize) (at - out);
}

typedef struct
{
  const guint8 *bytes;   /* of the packet */
  ShoalReader   reader;
} Packet;

/* Reads labels from @at on into @text (NAME_MAX_SIZE + 1); FALSE: malformed. @end: where the name
 * ends in its place. */
static gboolean
read_labels (const Packet  *packet,
             const guint8  *at,
             char          *text,
             const guint8 **end)
{
  const guint8 *limit = packet->reader.end;   /* the next pointer has to lead before this */
  gsize size = 0;

  *end = NULL;
  for (guint n_pointers = 0; n_pointers < POINTERS_MAX;)
    {
      ShoalReader reader = { at, packet->reader.end, FALSE };
      guint8 label = shoal_reader_u8 (&reader);

      if (reader.bad)
        return FALSE;
      if ((label & 0xc0) == 0xc0)
        {
          const guint8 *to = packet->bytes + ((label & 0x3fu) << 8 | shoal_reader_u8 (&reader));

          if (reader.bad || to >= at || to >= limit)
            return FALSE;
          if (*end == NULL)
            *end = reader.at;
          limit = at = to;
          n_pointers++;
          continue;
        }
      if (label > LABEL_MAX)
        return FALSE;
      if (label == 0)
        {
          if (*end == NULL)
            *end = reader.at;
          text[size] = '\0';
          return TRUE;
        }

      at = shoal_reader_bytes (&reader, label);
      if (at == NULL || size + (size > 0 ? 1 : 0) + label > NAME_MAX_SIZE)
        return FALSE;
      if (size > 0)
        text[size++] = '.';
      for (guint i = 0; i < label; i++)
        text[size++] = g_ascii_isalnum (at[i]) || at[i] == '-' || at[i] == '_'
                         ? g_ascii_tolower ((char) at[i])
                         : '?';
      at = reader.at;
    }

  return FALSE;
}

static void
read_name (Packet *packet,
           char   *text)
{
  const guint8 *end;

  text[0] = '\0';
  if (packet->reader.bad || !read_labels (packet, packet->reader.at, text, &end))
    packet->reader.bad = TRUE;
  else
    packet->reader.at = end;
}

typedef struct
{
  char    owner[NAME_MAX_SIZE + 1];
  guint16 type;
  guint32 ttl_s;
  Packet  data;   /* its value; names in it may point to all before */
} Record;

/* FALSE: malformed. */
static gboolean
read_record (Packet *packet,
             Record *record)
{
  const guint8 *data;
  guint16 class;
  guint16 size;

  read_name (packet, record->owner);
  record->type = shoal_reader_u16 (&packet->reader);
  class = shoal_reader_u16 (&packet->reader);
  record->ttl_s = shoal_reader_u32 (&packet->reader);
  size = shoal_reader_u16 (&packet->reader);
  data = shoal_reader_bytes (&packet->reader, size);
  if (packet->reader.bad)
    return FALSE;

  record->data = (Packet){ packet->bytes, { data, data + size, FALSE } };
  if (class != CLASS_IN)
    record->type = 0;
  /* RFC 2181: a negative time is none. */
  if (record->ttl_s > G_MAXINT32)
    record->ttl_s = 0;

  return TRUE;
}

/* TRUE: @name is an alias, and is now what it stands for. FALSE with a bad reader: malformed. */
static gboolean
follow_alias (Packet  *answers,
              guint    n,
              char    *name,
              guint32 *ttl_s)
{
  Packet packet = *answers;
  Record record;

  for (guint i = 0; i < n; i++)
    {
      if (!read_record (&packet, &record))
        {
          answers->reader.bad = TRUE;
          return FALSE;
        }
      if (record.type != TYPE_CNAME || strcmp (record.owner, name) != 0)
        continue;
      read_name (&record.data, name);
      *ttl_s = MIN (*ttl_s, record.ttl_s);
      answers->reader.bad = !shoal_reader_done (&record.data.reader);
      return !answers->reader.bad;
    }

  return FALSE;
}

static void
take_addresses (ShoalDnsAnswer *out,
                Packet          answers,
                guint           n,
                const char     *name,
                ShoalDnsType    type)
{
  ShoalFamily family = type == SHOAL_DNS_AAAA ? SHOAL_FAMILY_IPV6 : SHOAL_FAMILY_IPV4;
  gsize size = type == SHOAL_DNS_AAAA ? 16 : 4;
  Record record;

  for (guint i = 0; i < n && read_record (&answers, &record); i++)
    {
      if (record.type != type || strcmp (record.owner, name) != 0 ||
          shoal_reader_left (&record.data.reader) != size || out->n_addrs == SHOAL_DNS_ADDRS_MAX)
        continue;
      out->addrs[out->n_addrs++] = shoal_addr_make (family, record.data.reader.at, 0);
      out->ttl_s = MIN (out->ttl_s, record.ttl_s);
    }
}

/* FALSE: it asks something else. */
static gboolean
is_question (Packet       *packet,
             const char   *name,
             ShoalDnsType  type)
{
  char asked[NAME_MAX_SIZE + 1];
  guint16 asked_type;
  guint16 asked_class;

  read_name (packet, asked);
  asked_type = shoal_reader_u16 (&packet->reader);
  asked_class = shoal_reader_u16 (&packet->reader);

  return !packet->reader.bad && strcmp (asked, name) == 0 && asked_type == type &&
         asked_class == CLASS_IN;
}

ShoalDnsResult
shoal_dns_parse_answer (ShoalDnsAnswer *out,
                        const guint8   *bytes,
                        gsize           size,
                        guint16         id,
                        const char     *name,
                        ShoalDnsType    type)
{
  Packet packet = { bytes, shoal_reader (bytes, size) };
  guint16 its_id = shoal_reader_u16 (&packet.reader);
  guint16 flags = shoal_reader_u16 (&packet.reader);
  guint16 n_questions = shoal_reader_u16 (&packet.reader);
  guint16 n_answers = shoal_reader_u16 (&packet.reader);
  char target[NAME_MAX_SIZE + 1];

  *out = (ShoalDnsAnswer){ .ttl_s = G_MAXINT32 };
  g_return_val_if_fail (strlen (name) <= NAME_MAX_SIZE, SHOAL_DNS_NOT_OURS);

  shoal_reader_bytes (&packet.reader, 4);
  if (packet.reader.bad || its_id != id || (flags & (FLAG_ANSWER | FLAG_OPCODE)) != FLAG_ANSWER)
    return SHOAL_DNS_NOT_OURS;
  /* A server that does not understand need not repeat the question. */
  if (n_questions == 0 && (flags & RCODE) != 0 && (flags & RCODE) != RCODE_NO_NAME)
    return SHOAL_DNS_FAILED;
  if (n_questions != 1 || !is_question (&packet, name, type))
    return SHOAL_DNS_NOT_OURS;
  if ((flags & FLAG_TRUNCATED) != 0)
    return SHOAL_DNS_TRUNCATED;
  if ((flags & RCODE) != 0)
    return (flags & RCODE) == RCODE_NO_NAME ? SHOAL_DNS_NO_NAME : SHOAL_DNS_FAILED;

  g_strlcpy (target, name, sizeof target);
  for (guint i = 0; i < ALIASES_MAX && follow_alias (&packet, n_answers, target, &out->ttl_s); i++)
    continue;
  if (packet.reader.bad)
    return SHOAL_DNS_FAILED;
  take_addresses (out, packet, n_answers, target, type);

  return SHOAL_DNS_ANSWER;
}
