/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which program a peer runs, as far as its peer id tells (BEP 20 and what was before it). */

/* Three families: "-XX1234-" (most), a letter and version characters up to "---" (the old ones in Python), and "M7-2-0--".
 * What fits none is looked for by its beginning. Nothing but letters and digits of the id ever comes out. */

#include "shoal-client-name.h"

#include <string.h>

typedef enum
{
  VERSION_DOTS,       /* 4520: 4.5.2 */
  VERSION_THREE,      /* 355S: 3.5.5 */
  VERSION_TWO_TWO,    /* 0170: 1.70 */
  VERSION_HUNDREDTHS, /* 2940: 2.94; from 4 on as VERSION_THREE */
  VERSION_NONE,
} VersionStyle;

typedef struct
{
  char         code[3];
  const char  *name;
  VersionStyle style;
} Azureus;

static const Azureus azureus[] = {
  { "7T", "aTorrent", VERSION_DOTS },
  { "A~", "Ares", VERSION_THREE },
  { "AG", "Ares", VERSION_THREE },
  { "AN", "Ares", VERSION_DOTS },
  { "AR", "Arctic", VERSION_DOTS },
  { "AT", "Artemis", VERSION_DOTS },
  { "AV", "Avicora", VERSION_DOTS },
  { "AX", "BitPump", VERSION_TWO_TWO },
  { "AZ", "Vuze", VERSION_DOTS },
  { "BB", "BitBuddy", VERSION_DOTS },
  { "BC", "BitComet", VERSION_TWO_TWO },
  { "BE", "BareTorrent", VERSION_DOTS },
  { "BF", "Bitflu", VERSION_NONE },
  { "BG", "BTG", VERSION_DOTS },
  { "BI", "BiglyBT", VERSION_DOTS },
  { "BL", "BitBlinder", VERSION_DOTS },
  { "BP", "BitTorrent Pro", VERSION_DOTS },
  { "BR", "BitRocket", VERSION_DOTS },
  { "BS", "BTSlave", VERSION_DOTS },
  { "BT", "BitTorrent", VERSION_THREE },
  { "BW", "BitTorrent Web", VERSION_THREE },
  { "BX", "BittorrentX", VERSION_DOTS },
  { "CD", "Enhanced CTorrent", VERSION_TWO_TWO },
  { "CT", "CTorrent", VERSION_DOTS },
  { "DE", "Deluge", VERSION_DOTS },
  { "DP", "Propagate Data Client", VERSION_DOTS },
  { "EB", "EBit", VERSION_DOTS },
  { "ES", "Electric Sheep", VERSION_THREE },
  { "FC", "FileCroc", VERSION_DOTS },
  { "FD", "Free Download Manager", VERSION_THREE },
  { "FG", "FlashGet", VERSION_TWO_TWO },
  { "FL", "Flud", VERSION_DOTS },
  { "FT", "FoxTorrent", VERSION_DOTS },
  { "FW", "FrostWire", VERSION_THREE },
  { "FX", "Freebox", VERSION_DOTS },
  { "GS", "GSTorrent", VERSION_DOTS },
  { "GT", "anacrolix torrent", VERSION_DOTS },
  { "HK", "Hekate", VERSION_DOTS },
  { "HL", "Halite", VERSION_THREE },
  { "HN", "Hydranode", VERSION_DOTS },
  { "IL", "iLivid", VERSION_DOTS },
  { "JS", "Justseed.it", VERSION_DOTS },
  { "JT", "JavaTorrent", VERSION_DOTS },
  { "KG", "KGet", VERSION_DOTS },
  { "KT", "KTorrent", VERSION_THREE },
  { "LC", "LeechCraft", VERSION_DOTS },
  { "LH", "LH-ABC", VERSION_DOTS },
  { "LK", "Linkage", VERSION_DOTS },
  { "LP", "Lphant", VERSION_TWO_TWO },
  { "LT", "libtorrent", VERSION_THREE },
  { "LW", "LimeWire", VERSION_NONE },
  { "lt", "rTorrent", VERSION_THREE },
  { "MG", "MediaGet", VERSION_DOTS },
  { "MK", "Meerkat", VERSION_DOTS },
  { "ML", "MLDonkey", VERSION_NONE },
  { "MO", "MonoTorrent", VERSION_DOTS },
  { "MP", "MooPolice", VERSION_THREE },
  { "MR", "Miro", VERSION_DOTS },
  { "MT", "MoonlightTorrent", VERSION_DOTS },
  { "NB", "Net::BitTorrent", VERSION_NONE },
  { "NE", "BT Next Evolution", VERSION_THREE },
  { "NX", "Net Transport", VERSION_DOTS },
  { "OS", "OneSwarm", VERSION_DOTS },
  { "OT", "OmegaTorrent", VERSION_DOTS },
  { "PB", "Protocol::BitTorrent", VERSION_NONE },
  { "PC", "CacheLogic", VERSION_DOTS },
  { "PD", "Pando", VERSION_DOTS },
  { "PI", "PicoTorrent", VERSION_THREE },
  { "PT", "PHPTracker", VERSION_DOTS },
  { "pX", "pHoeniX", VERSION_DOTS },
  { "QD", "QQDownload", VERSION_DOTS },
  { "QT", "Qt example", VERSION_DOTS },
  { "qB", "qBittorrent", VERSION_DOTS },
  { "RT", "Retriever", VERSION_DOTS },
  { "RZ", "RezTorrent", VERSION_DOTS },
  { "S~", "Shareaza", VERSION_DOTS },
  { "SB", "SwiftBit", VERSION_DOTS },
  { "SD", "Xunlei", VERSION_DOTS },
  { "SG", "GS Torrent", VERSION_DOTS },
  { "SH", "Shoal", VERSION_THREE },
  { "SM", "SoMud", VERSION_DOTS },
  { "SN", "ShareNET", VERSION_DOTS },
  { "SP", "BitSpirit", VERSION_THREE },
  { "SS", "SwarmScope", VERSION_DOTS },
  { "ST", "SymTorrent", VERSION_DOTS },
  { "st", "SharkTorrent", VERSION_DOTS },
  { "SZ", "Shareaza", VERSION_DOTS },
  { "TB", "Torch", VERSION_DOTS },
  { "TE", "terasaur Seed Bank", VERSION_DOTS },
  { "TL", "Tribler", VERSION_THREE },
  { "TN", "Torrent.NET", VERSION_DOTS },
  { "TR", "Transmission", VERSION_HUNDREDTHS },
  { "TS", "TorrentStorm", VERSION_DOTS },
  { "TT", "TuoTu", VERSION_THREE },
  { "TX", "Tixati", VERSION_TWO_TWO },
  { "UE", "µTorrent Embedded", VERSION_THREE },
  { "UL", "uLeecher!", VERSION_DOTS },
  { "UM", "µTorrent Mac", VERSION_THREE },
  { "UT", "µTorrent", VERSION_THREE },
  { "UW", "µTorrent Web", VERSION_THREE },
  { "VG", "Vagaa", VERSION_DOTS },
  { "WD", "WebTorrent Desktop", VERSION_TWO_TWO },
  { "WS", "HTTP Seed", VERSION_NONE },
  { "WT", "BitLet", VERSION_DOTS },
  { "WW", "WebTorrent", VERSION_TWO_TWO },
  { "WY", "FireTorrent", VERSION_DOTS },
  { "XF", "Xfplay", VERSION_DOTS },
  { "XL", "Xunlei", VERSION_DOTS },
  { "XS", "XSwifter", VERSION_DOTS },
  { "XT", "XanTorrent", VERSION_DOTS },
  { "XX", "Xtorrent", VERSION_DOTS },
  { "ZO", "Zona", VERSION_DOTS },
  { "ZT", "ZipTorrent", VERSION_DOTS },
};

static const struct
{
  char        letter;
  const char *name;
} shadow[] = {
  { 'A', "ABC" },
  { 'O', "Osprey Permaseed" },
  { 'Q', "BTQueue" },
  { 'R', "Tribler" },
  { 'S', "Shadow's client" },
  { 'T', "BitTornado" },
  { 'U', "UPnP NAT" },
};

/* @at: where @text stands in the id. */
static const struct
{
  guint       at;
  const char *text;
  const char *name;
} odd[] = {
  { 5, "Azureus", "Azureus" },
  { 0, "Azureus", "Azureus" },
  { 0, "AZ2500BT", "BitTyrant" },
  { 0, "-BOW", "Bits on Wheels" },
  { 0, "-FVP", "Fvp" },
  { 0, "-G3", "G3 Torrent" },
  { 0, "346-", "TorrentTopia" },
  { 0, "a00---0", "Swarmy" },
  { 0, "a02---0", "Swarmy" },
  { 0, "BLZ", "Blizzard Downloader" },
  { 0, "btpd", "btpd" },
  { 0, "btuga", "BTugaXP" },
  { 0, "Deadman Walking", "Deadman" },
  { 0, "DansClient", "XanTorrent" },
  { 0, "DNA", "BitTorrent DNA" },
  { 0, "eX", "eXeem" },
  { 0, "FUTB", "BitComet (FUTB)" },
  { 6, "LORD", "BitLord" },
  { 0, "exbc", "BitComet" },
  { 0, "LIME", "LimeWire" },
  { 0, "martini", "Martini Man" },
  { 0, "Mbrst", "Burst!" },
  { 0, "oernu", "BTugaXP" },
  { 0, "OP", "Opera" },
  { 0, "Pando", "Pando" },
  { 0, "PEERAPP", "PeerApp" },
  { 0, "Plus", "Plus!" },
  { 0, "PRC.P---", "BT++" },
  { 0, "QVOD", "QVOD" },
  { 0, "S3-", "Amazon S3" },
  { 0, "T00---0", "Teeweety" },
  { 0, "TIX", "Tixati" },
  { 0, "turbobt", "TurboBT" },
  { 0, "XBT", "XBT Client" },
};

guint
shoal_client_name_count (void)
{
  return G_N_ELEMENTS (azureus) + G_N_ELEMENTS (shadow) + G_N_ELEMENTS (odd);
}

/* -1: no digit of any base. */
static int
digit (guint8 byte)
{
  if (byte >= '0' && byte <= '9')
    return byte - '0';
  if (byte >= 'A' && byte <= 'Z')
    return byte - 'A' + 10;
  if (byte >= 'a' && byte <= 'z')
    return byte - 'a' + 36;

  return -1;
}

static char *
with_dots (const char *name,
           const int  *digits,
           guint       n)
{
  GString *text = g_string_new (name);

  while (n > 2 && digits[n - 1] == 0)
    n--;
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%c%d", i == 0 ? ' ' : '.', digits[i]);

  return g_string_free (text, FALSE);
}

static char *
azureus_name (const Azureus *entry,
              const guint8  *version)
{
  int digits[4];

  for (guint i = 0; i < G_N_ELEMENTS (digits); i++)
    {
      digits[i] = digit (version[i]);
      /* The last one may be a mark of a kind of its own. */
      if (digits[i] < 0 && i < 3)
        return g_strdup (entry->name);
      digits[i] = MAX (digits[i], 0);
    }

  switch (entry->style)
    {
    case VERSION_THREE:
      return with_dots (entry->name, digits, 3);
    case VERSION_TWO_TWO:
      if (digits[2] < 10 && digits[3] < 10)
        return g_strdup_printf ("%s %d.%d%d", entry->name, digits[0] * 10 + digits[1], digits[2], digits[3]);
      return with_dots (entry->name, digits, 4);
    case VERSION_HUNDREDTHS:
      if (digits[0] < 4 && digits[1] < 10 && digits[2] < 10)
        return g_strdup_printf ("%s %d.%d%d", entry->name, digits[0], digits[1], digits[2]);
      return with_dots (entry->name, digits, 3);
    case VERSION_NONE:
      return g_strdup (entry->name);
    case VERSION_DOTS:
    default:
      /* A letter at the end says beta and the like. */
      return with_dots (entry->name, digits, g_ascii_isdigit (version[3]) ? 4 : 3);
    }
}

static char *
shadow_name (const guint8 *bytes)
{
  for (guint i = 0; i < G_N_ELEMENTS (shadow); i++)
    {
      GString *text;

      if (bytes[0] != (guint8) shadow[i].letter)
        continue;
      for (guint k = 1; k < 4; k++)
        if (digit (bytes[k]) < 0 && bytes[k] != '-')
          return NULL;
      text = g_string_new (shadow[i].name);
      for (guint k = 1; k < 5 && digit (bytes[k]) >= 0; k++)
        g_string_append_printf (text, "%c%d", k == 1 ? ' ' : '.', digit (bytes[k]));
      return g_string_free (text, FALSE);
    }

  return NULL;
}

/* "7-2-0--": numbers between dashes. */
static char *
dashed_name (const char   *name,
             const guint8 *bytes,
             gsize         size)
{
  GString *text = g_string_new (name);
  guint n_numbers = 0;
  gsize at = 0;

  while (at < size && g_ascii_isdigit (bytes[at]) && n_numbers < 3)
    {
      gsize end = at;

      while (end < size && g_ascii_isdigit (bytes[end]))
        end++;
      if (end == size || bytes[end] != '-')
        break;
      g_string_append_printf (text, "%c%.*s", n_numbers == 0 ? ' ' : '.', (int) (end - at), (const char *) bytes + at);
      n_numbers++;
      at = end + 1;
    }
  if (n_numbers == 3)
    return g_string_free (text, FALSE);
  g_string_free (text, TRUE);

  return NULL;
}

static gboolean
starts_with (const guint8 *bytes,
             const char   *text)
{
  return memcmp (bytes, text, strlen (text)) == 0;
}

char *
shoal_client_name (const ShoalPeerId *id)
{
  const guint8 *bytes = id->bytes;
  char *name;

  for (guint i = 0; i < G_N_ELEMENTS (odd); i++)
    if (starts_with (bytes + odd[i].at, odd[i].text))
      return g_strdup (odd[i].name);
  if (bytes[0] == '-')
    {
      for (guint i = 0; i < G_N_ELEMENTS (azureus); i++)
        if (memcmp (bytes + 1, azureus[i].code, 2) == 0)
          return azureus_name (&azureus[i], bytes + 3);
      return NULL;
    }

  if (bytes[0] == 'M' && (name = dashed_name ("BitTorrent", bytes + 1, 7)) != NULL)
    return name;
  if (starts_with (bytes, "A2-"))
    {
      name = dashed_name ("aria2", bytes + 3, 9);
      return name != NULL ? name : g_strdup ("aria2");
    }

  return starts_with (bytes + 5, "---") ? shadow_name (bytes) : NULL;
}
