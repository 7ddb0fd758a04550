/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which program a peer runs, as far as its peer id tells. */

/* Peer ids follow no standard, only customs (BEP 20): "-XX1234-" after Azureus, "X123-----" after
 * Shadow, "M7-2-0--" after the first client, and a few that are like nothing else. Tables hold them
 * all; what is in none of them is shown as its printable part. Pure functions, any thread. */

#include "shoal-client-name.h"

#include <string.h>
#include "shoal-safe-text.h"

/* How the four characters of an Azureus style id are read. */
typedef enum
{
  VERSION_FOUR,           /* a.b.c, and .d unless it is 0 */
  VERSION_THREE,          /* a.b.c; the fourth says what kind of build it is */
  VERSION_TWO,            /* a.b */
  VERSION_TWO_TWO,        /* ab.cd */
  VERSION_HUNDREDTHS,     /* a.bc */
  VERSION_TRANSMISSION,   /* a.bc up to 3, a.b.c since 4 */
} VersionStyle;

typedef struct
{
  char         code[3];
  VersionStyle style;
  const char  *name;
} AzureusClient;

static const AzureusClient azureus_clients[] = {
  { "7T", VERSION_FOUR, "aTorrent" },
  { "A~", VERSION_FOUR, "Ares" },
  { "AG", VERSION_FOUR, "Ares" },
  { "AN", VERSION_FOUR, "Ares" },
  { "AR", VERSION_FOUR, "Arctic" },
  { "AT", VERSION_FOUR, "Artemis" },
  { "AV", VERSION_FOUR, "Avicora" },
  { "AX", VERSION_FOUR, "BitPump" },
  { "AZ", VERSION_FOUR, "Vuze" },
  { "BB", VERSION_FOUR, "BitBuddy" },
  { "BC", VERSION_HUNDREDTHS, "BitComet" },
  { "BE", VERSION_FOUR, "Baretorrent" },
  { "BF", VERSION_FOUR, "BitFlu" },
  { "BG", VERSION_FOUR, "BTG" },
  { "BI", VERSION_FOUR, "BiglyBT" },
  { "BL", VERSION_FOUR, "BitLord" },
  { "BN", VERSION_FOUR, "Baidu Netdisk" },
  { "BP", VERSION_FOUR, "BitTorrent Pro" },
  { "BR", VERSION_FOUR, "BitRocket" },
  { "BS", VERSION_FOUR, "BTSlave" },
  { "BT", VERSION_THREE, "BitTorrent" },
  { "BW", VERSION_FOUR, "BitWombat" },
  { "BX", VERSION_FOUR, "Bittorrent X" },
  { "CD", VERSION_TWO, "Enhanced CTorrent" },
  { "CT", VERSION_FOUR, "CTorrent" },
  { "DE", VERSION_THREE, "Deluge" },
  { "DP", VERSION_FOUR, "Propagate Data Client" },
  { "EB", VERSION_FOUR, "EBit" },
  { "ES", VERSION_FOUR, "electric sheep" },
  { "FC", VERSION_FOUR, "FileCroc" },
  { "FD", VERSION_FOUR, "Free Download Manager" },
  { "FG", VERSION_FOUR, "FlashGet" },
  { "FL", VERSION_FOUR, "Flud" },
  { "FT", VERSION_FOUR, "FoxTorrent" },
  { "FW", VERSION_FOUR, "FrostWire" },
  { "FX", VERSION_FOUR, "Freebox BitTorrent" },
  { "G3", VERSION_FOUR, "G3 Torrent" },
  { "GR", VERSION_FOUR, "GetRight" },
  { "GS", VERSION_FOUR, "GSTorrent" },
  { "GT", VERSION_THREE, "anacrolix/torrent" },
  { "HK", VERSION_FOUR, "Hekate" },
  { "HL", VERSION_FOUR, "Halite" },
  { "HN", VERSION_FOUR, "Hydranode" },
  { "IL", VERSION_FOUR, "iLivid" },
  { "JS", VERSION_FOUR, "Justseed.it" },
  { "JT", VERSION_FOUR, "JavaTorrent" },
  { "KG", VERSION_FOUR, "KGet" },
  { "KT", VERSION_THREE, "KTorrent" },
  { "LC", VERSION_FOUR, "LeechCraft" },
  { "LH", VERSION_FOUR, "LH-ABC" },
  { "LK", VERSION_FOUR, "Linkage" },
  { "LP", VERSION_FOUR, "Lphant" },
  { "LT", VERSION_FOUR, "libtorrent" },
  { "LW", VERSION_FOUR, "LimeWire" },
  { "MG", VERSION_FOUR, "MediaGet" },
  { "MK", VERSION_FOUR, "Meerkat" },
  { "ML", VERSION_FOUR, "MLDonkey" },
  { "MO", VERSION_FOUR, "MonoTorrent" },
  { "MP", VERSION_FOUR, "MooPolice" },
  { "MR", VERSION_FOUR, "Miro" },
  { "MT", VERSION_FOUR, "MoonlightTorrent" },
  { "NB", VERSION_FOUR, "Net::BitTorrent" },
  { "NE", VERSION_FOUR, "BT Next Evolution" },
  { "NX", VERSION_FOUR, "Net Transport" },
  { "OS", VERSION_FOUR, "OneSwarm" },
  { "OT", VERSION_FOUR, "OmegaTorrent" },
  { "PB", VERSION_FOUR, "ProtocolBitTorrent" },
  { "PC", VERSION_FOUR, "CacheLogic" },
  { "PD", VERSION_FOUR, "Pando" },
  { "PI", VERSION_FOUR, "PicoTorrent" },
  { "PT", VERSION_FOUR, "PHPTracker" },
  { "QD", VERSION_FOUR, "QQDownload" },
  { "QT", VERSION_FOUR, "Qt 4 Torrent example" },
  { "RT", VERSION_FOUR, "Retriever" },
  { "RZ", VERSION_FOUR, "RezTorrent" },
  { "S~", VERSION_FOUR, "Shareaza" },
  { "SB", VERSION_FOUR, "Swiftbit" },
  { "SD", VERSION_FOUR, "Xunlei" },
  { "SG", VERSION_FOUR, "GS Torrent" },
  { "SH", VERSION_FOUR, "Shoal" },
  { "SM", VERSION_FOUR, "SoMud" },
  { "SN", VERSION_FOUR, "ShareNET" },
  { "SP", VERSION_FOUR, "BitSpirit" },
  { "SS", VERSION_FOUR, "SwarmScope" },
  { "ST", VERSION_FOUR, "SymTorrent" },
  { "SZ", VERSION_FOUR, "Shareaza" },
  { "TB", VERSION_FOUR, "Torch" },
  { "TE", VERSION_FOUR, "terasaur Seed Bank" },
  { "TL", VERSION_FOUR, "Tribler" },
  { "TN", VERSION_FOUR, "Torrent .NET" },
  { "TR", VERSION_TRANSMISSION, "Transmission" },
  { "TS", VERSION_FOUR, "TorrentStorm" },
  { "TT", VERSION_FOUR, "TuoTu" },
  { "TX", VERSION_FOUR, "Tixati" },
  { "UE", VERSION_THREE, "µTorrent Embedded" },
  { "UL", VERSION_FOUR, "uLeecher!" },
  { "UM", VERSION_THREE, "µTorrent Mac" },
  { "UT", VERSION_THREE, "µTorrent" },
  { "UW", VERSION_THREE, "µTorrent Web" },
  { "VG", VERSION_FOUR, "Vagaa" },
  { "WD", VERSION_TWO_TWO, "WebTorrent Desktop" },
  { "WS", VERSION_FOUR, "HTTP Seed" },
  { "WW", VERSION_TWO_TWO, "WebTorrent" },
  { "WY", VERSION_FOUR, "FireTorrent" },
  { "XF", VERSION_FOUR, "Xfplay" },
  { "XL", VERSION_FOUR, "Xunlei" },
  { "XS", VERSION_FOUR, "XSwifter" },
  { "XT", VERSION_FOUR, "XanTorrent" },
  { "XX", VERSION_FOUR, "Xtorrent" },
  { "ZT", VERSION_FOUR, "ZipTorrent" },
  { "bk", VERSION_FOUR, "BitKitten" },
  { "lt", VERSION_FOUR, "rTorrent" },
  { "pb", VERSION_FOUR, "pbTorrent" },
  { "pX", VERSION_FOUR, "pHoeniX" },
  { "qB", VERSION_THREE, "qBittorrent" },
  { "rQ", VERSION_FOUR, "rqbit" },
  { "st", VERSION_FOUR, "SharkTorrent" },
};

static const struct
{
  char        code;
  const char *name;
} shadow_clients[] = {
  { 'A', "ABC" },
  { 'O', "Osprey Permaseed" },
  { 'Q', "BTQueue" },
  { 'R', "Tribler" },
  { 'S', "Shadow's client" },
  { 'T', "BitTornado" },
  { 'U', "UPnP NAT BitTorrent" },
};

/* Versions are numbers between dashes: "M7-10-5--". */
static const struct
{
  const char *prefix;
  const char *name;
} dashed_clients[] = {
  { "A2-",     "aria2" },
  { "M",       "BitTorrent" },
  { "Mbrst",   "Burst!" },
  { "Q",       "Queen Bee" },
  { "S3-",     "Amazon S3" },
};

/* @at: where @text stands in the id, and is all that tells them. */
static const struct
{
  guint       at;
  const char *text;
  const char *name;
} odd_clients[] = {
  { 0, "-BOW",            "Bits on Wheels" },
  { 0, "-FVP",            "Fvp" },
  { 0, "-aria2-",         "aria2" },
  { 0, "10-------",       "JVtorrent" },
  { 0, "346-",            "TorrentTopia" },
  { 0, "A2-",             "aria2" },
  { 0, "AZ2500BT",        "BitTyrant" },
  { 0, "Azureus",         "Azureus" },
  { 5, "Azureus",         "Azureus" },
  { 0, "BLZ",             "Blizzard Downloader" },
  { 0, "DNA",             "BitTorrent DNA" },
  { 0, "DansClient",      "XanTorrent" },
  { 0, "Deadman Walking", "Deadman" },
  { 0, "FUTB",            "BitComet" },
  { 0, "LIME",            "LimeWire" },
  { 0, "OP",              "Opera" },
  { 0, "PEERAPP",         "PeerApp" },
  { 0, "PRC.P---",        "BT++" },
  { 0, "Pando",           "Pando" },
  { 0, "Plus",            "Plus!" },
  { 0, "QVOD",            "QVOD" },
  { 0, "T00---0",         "Teeweety" },
  { 0, "TIX",             "Tixati" },
  { 0, "XBT",             "XBT" },
  { 0, "a00---0",         "Swarmy" },
  { 0, "a02---0",         "Swarmy" },
  { 0, "btfans",          "SimpleBT" },
  { 0, "btpd",            "BT Protocol Daemon" },
  { 0, "btuga",           "BTugaXP" },
  { 0, "eX",              "eXeem" },
  { 6, "LORD",            "BitLord" },
  { 0, "exbc",            "BitComet" },
  { 0, "martini",         "Martini Man" },
  { 0, "oernu",           "BTugaXP" },
  { 0, "turbobt",         "TurboBT" },
};

/* One character of a version: 0-9, then A-Z as 10-35, then a-z as 36-61; -1: none of them. */
static int
version_digit (guint8 c)
{
  if (g_ascii_isdigit (c))
    return c - '0';
  if (g_ascii_isupper (c))
    return c - 'A' + 10;
  if (g_ascii_islower (c))
    return c - 'a' + 36;

  return -1;
}

static char *
azureus_name (const AzureusClient *client,
              const guint8        *version)
{
  int v[4];

  for (guint i = 0; i < 4; i++)
    v[i] = version_digit (version[i]);
  if (v[0] < 0 || v[1] < 0)
    return g_strdup (client->name);
  if (v[2] < 0 || client->style == VERSION_TWO)
    return g_strdup_printf ("%s %d.%d", client->name, v[0], v[1]);
  if (client->style == VERSION_TWO_TWO && v[3] >= 0)
    return g_strdup_printf ("%s %d.%d", client->name, v[0] * 10 + v[1], v[2] * 10 + v[3]);
  if (client->style == VERSION_HUNDREDTHS && v[0] == 0 && v[1] < 10 && v[2] < 10 && v[3] >= 0
      && v[3] < 10)
    return g_strdup_printf ("%s %d.%d%d", client->name, v[1], v[2], v[3]);
  if (client->style == VERSION_TRANSMISSION && v[0] < 4)
    return g_strdup_printf ("%s %d.%d%d", client->name, v[0], v[1], v[2]);
  if (client->style == VERSION_FOUR && v[3] > 0)
    return g_strdup_printf ("%s %d.%d.%d.%d", client->name, v[0], v[1], v[2], v[3]);

  return g_strdup_printf ("%s %d.%d.%d", client->name, v[0], v[1], v[2]);
}

static char *
name_azureus (const guint8 *id)
{
  if (id[0] != '-')
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (azureus_clients); i++)
    if (memcmp (id + 1, azureus_clients[i].code, 2) == 0)
      return azureus_name (&azureus_clients[i], id + 3);

  return NULL;
}

/* "S58B-----": up to five characters of version, dashes up to the ninth place. */
static char *
name_shadow (const guint8 *id)
{
  g_autoptr (GString) text = NULL;
  guint n = 0;

  while (n < 5 && version_digit (id[1 + n]) >= 0)
    n++;
  for (guint i = 1 + n; i < 9; i++)
    if (id[i] != '-')
      return NULL;

  for (guint i = 0; n > 0 && i < G_N_ELEMENTS (shadow_clients); i++)
    {
      if (id[0] != shadow_clients[i].code)
        continue;
      text = g_string_new (shadow_clients[i].name);
      for (guint j = 0; j < n; j++)
        g_string_append_printf (text, "%c%d", j == 0 ? ' ' : '.', version_digit (id[1 + j]));
      return g_strdup (text->str);
    }

  return NULL;
}

/* Numbers with a dash after each, at least two of them; the version's size, 0 if it is none. */
static gsize
dashed_size (const guint8 *text,
             gsize         max)
{
  gsize at = 0;
  guint numbers = 0;

  while (at < max && g_ascii_isdigit (text[at]))
    {
      while (at < max && g_ascii_isdigit (text[at]))
        at++;
      if (at == max || text[at] != '-')
        return 0;
      at++;
      numbers++;
    }

  return numbers >= 2 ? at - 1 : 0;
}

static char *
name_dashed (const guint8 *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (dashed_clients); i++)
    {
      gsize prefix = strlen (dashed_clients[i].prefix);
      gsize size;
      g_autofree char *version = NULL;

      if (memcmp (id, dashed_clients[i].prefix, prefix) != 0)
        continue;
      size = dashed_size (id + prefix, SHOAL_PEER_ID_SIZE - prefix);
      if (size == 0)
        continue;
      version = g_strndup ((const char *) id + prefix, size);
      g_strdelimit (version, "-", '.');
      return g_strdup_printf ("%s %s", dashed_clients[i].name, version);
    }

  return NULL;
}

static char *
name_odd (const guint8 *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (odd_clients); i++)
    if (memcmp (id + odd_clients[i].at, odd_clients[i].text, strlen (odd_clients[i].text)) == 0)
      return g_strdup (odd_clients[i].name);

  return NULL;
}

/* Up to the first character that a terminal would not show, so that random bytes stay out. */
static char *
name_unknown (const guint8 *id)
{
  gsize size = 0;

  while (size < SHOAL_PEER_ID_SIZE && g_ascii_isprint (id[size]))
    size++;

  return shoal_safe_text (id, size, SHOAL_PEER_ID_SIZE);
}

char *
shoal_client_name (const ShoalPeerId *id)
{
  static char *(*const styles[]) (const guint8 *id) = { name_azureus, name_dashed, name_shadow,
                                                        name_odd, name_unknown };
  char *name = NULL;

  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; name == NULL && i < G_N_ELEMENTS (styles); i++)
    name = styles[i] (id->bytes);

  return name != NULL ? name : g_strdup ("");
}
