/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer ids as programs really send them. */

#include "shoal-client-name.h"
#include "shoal-rng.h"
#include "shoal-test.h"
#include <string.h>

/* Ids are filled up with "x". */
static const struct
{
  const char *id;
  const char *client;
} clients[] = {
  { "-7T1230-", "aTorrent 1.2.3" },       { "-AG2083-", "Ares 2.0.8.3" },
  { "-AR1000-", "Arctic 1.0.0" },         { "-AT1000-", "Artemis 1.0.0" },
  { "-AV1000-", "Avicora 1.0.0" },        { "-AX0100-", "BitPump 0.1.0" },
  { "-AZ5760-", "Vuze 5.7.6" },           { "-BB1000-", "BitBuddy 1.0.0" },
  { "-BC0187-", "BitComet 1.87" },        { "-BF1320-", "BitFlu 1.3.2" },
  { "-BG1000-", "BTG 1.0.0" },            { "-BI3200-", "BiglyBT 3.2.0" },
  { "-BL0630-", "BitLord 0.6.3" },        { "-BR0340-", "BitRocket 0.3.4" },
  { "-BS1000-", "BTSlave 1.0.0" },        { "-BT7B0S-", "BitTorrent 7.11.0" },
  { "-BW1000-", "BitWombat 1.0.0" },      { "-BX1000-", "Bittorrent X 1.0.0" },
  { "-CD0303-", "Enhanced CTorrent 0.3" },{ "-CT1000-", "CTorrent 1.0.0" },
  { "-DE211s-", "Deluge 2.1.1" },         { "-DE13F0-", "Deluge 1.3.15" },
  { "-EB1000-", "EBit 1.0.0" },           { "-ES1000-", "electric sheep 1.0.0" },
  { "-FD6190-", "Free Download Manager 6.1.9" }, { "-FL1234-", "Flud 1.2.3.4" },
  { "-FT1000-", "FoxTorrent 1.0.0" },     { "-FW6830-", "FrostWire 6.8.3" },
  { "-FX1000-", "Freebox BitTorrent 1.0.0" }, { "-GR6540-", "GetRight 6.5.4" },
  { "-GS1000-", "GSTorrent 1.0.0" },      { "-HL0310-", "Halite 0.3.1" },
  { "-HN1000-", "Hydranode 1.0.0" },      { "-KG4A00-", "KGet 4.10.0" },
  { "-KT53D0-", "KTorrent 5.3.13" },      { "-LC1000-", "LeechCraft 1.0.0" },
  { "-LH1000-", "LH-ABC 1.0.0" },         { "-LP1000-", "Lphant 1.0.0" },
  { "-LT2080-", "libtorrent 2.0.8" },     { "-LW4200-", "LimeWire 4.2.0" },
  { "-MG3C00-", "MediaGet 3.12.0" },      { "-ML2720-", "MLDonkey 2.7.2" },
  { "-MO1000-", "MonoTorrent 1.0.0" },    { "-MP1000-", "MooPolice 1.0.0" },
  { "-MR6000-", "Miro 6.0.0" },           { "-NX1000-", "Net Transport 1.0.0" },
  { "-OS1000-", "OneSwarm 1.0.0" },       { "-PD1000-", "Pando 1.0.0" },
  { "-PI0250-", "PicoTorrent 0.2.5" },    { "-QD1000-", "QQDownload 1.0.0" },
  { "-QT0410-", "Qt 4 Torrent example 0.4.1" }, { "-RT1000-", "Retriever 1.0.0" },
  { "-SB1000-", "Swiftbit 1.0.0" },       { "-SD1000-", "Xunlei 1.0.0" },
  { "-SH0100-", "Shoal 0.1.0" },          { "-SM1000-", "SoMud 1.0.0" },
  { "-SN1000-", "ShareNET 1.0.0" },       { "-SP3600-", "BitSpirit 3.6.0" },
  { "-SS1000-", "SwarmScope 1.0.0" },     { "-ST1000-", "SymTorrent 1.0.0" },
  { "-SZ2700-", "Shareaza 2.7.0" },       { "-TL7C10-", "Tribler 7.12.1" },
  { "-TN1000-", "Torrent .NET 1.0.0" },   { "-TR4050-", "Transmission 4.0.5" },
  { "-TR4060-", "Transmission 4.0.6" },   { "-TR3000-", "Transmission 3.00" },
  { "-TR2940-", "Transmission 2.94" },    { "-TS1000-", "TorrentStorm 1.0.0" },
  { "-TX3200-", "Tixati 3.2.0" },         { "-UL1000-", "uLeecher! 1.0.0" },
  { "-UM1880-", "µTorrent Mac 1.8.8" },   { "-UT3550-", "µTorrent 3.5.5" },
  { "-UW1380-", "µTorrent Web 1.3.8" },   { "-VG1000-", "Vagaa 1.0.0" },
  { "-WD0024-", "WebTorrent Desktop 0.24" }, { "-WW0201-", "WebTorrent 2.1" },
  { "-XL0012-", "Xunlei 0.0.1.2" },       { "-XT1000-", "XanTorrent 1.0.0" },
  { "-XX1000-", "Xtorrent 1.0.0" },       { "-ZT1000-", "ZipTorrent 1.0.0" },
  { "-lt0D60-", "rTorrent 0.13.6" },      { "-qB4630-", "qBittorrent 4.6.3" },
  { "-qB500B-", "qBittorrent 5.0.0" },    { "-rQ8000-", "rqbit 8.0.0" },
  { "-GT0003-", "anacrolix/torrent 0.0.0" },
  { "-UT!!!!-", "µTorrent" },             { "-AZ____-", "Vuze" },
  { "-BC0170-", "BitComet 1.70" },        { "-KT33D1-", "KTorrent 3.3.13" },
  { "-ML2.7.2-", "MLDonkey" },            { "-lt0D80-", "rTorrent 0.13.8" },
  { "-UT355S-", "µTorrent 3.5.5" },       { "-qB4600-", "qBittorrent 4.6.0" },
  /* after Shadow */
  { "S58B-----", "Shadow's client 5.8.11" }, { "T03I-----", "BitTornado 0.3.18" },
  { "R600------", "Tribler 6.0.0" },
  { "A310-----", "ABC 3.1.0" },           { "O1-------", "Osprey Permaseed 1" },
  { "R340-----", "Tribler 3.4.0" },       { "U123-----", "UPnP NAT BitTorrent 1.2.3" },
  /* numbers and dashes */
  { "M7-10-5--", "BitTorrent 7.10.5" },   { "M4-20-8-", "BitTorrent 4.20.8" },
  { "A2-1-36-0-", "aria2 1.36.0" },       { "Mbrst1-1-5-", "Burst! 1.1.5" },
  { "Q1-23-0-", "Queen Bee 1.23.0" },     { "S3-1-0-0--", "Amazon S3 1.0.0" },
  { "M10-1-2-", "BitTorrent 10.1.2" },    { "M7-2----", "BitTorrent 7.2" },
  /* like nothing else */
  { "-BOWA0C-", "Bits on Wheels" },       { "346-----", "TorrentTopia" },
  { "AZ2500BT", "BitTyrant" },            { "exbc08", "BitComet" },
  { "turbobt2.0", "TurboBT" },            { "XBT054d-", "XBT" },
  { "OP7685", "Opera" },                  { "btpd/0.16", "BT Protocol Daemon" },
  { "martini", "Martini Man" },           { "Plus210", "Plus!" },
  { "DNA00000", "BitTorrent DNA" },       { "10-------", "JVtorrent" },
  { "A2-nothing-of-that-k", "aria2" },    { "exbc80LORD", "BitLord" },
  { "a02---0", "Swarmy" },
  /* unknown */
  { "-zz1234-", "-zz1234-xxxxxxxxxxxx" }, { "\x01", "" },
  { "hello\x80\xff", "hello" },           { "he\x1bllo", "he" },
  { "Mab", "Mabxxxxxxxxxxxxxxxxx" },      { "T\1\2\3----", "T" },
  { "12345678901234567890", "12345678901234567890" },
};

static void
test_known (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      g_autofree char *client = NULL;
      ShoalPeerId id;
      char *end;

      memset (id.bytes, 'x', sizeof id.bytes);
      memcpy (id.bytes, clients[i].id, strlen (clients[i].id));
      client = shoal_client_name (&id);
      g_assert_cmpstr (client, ==, clients[i].client);
      end = strrchr (client, ' ');
      g_hash_table_add (names, end != NULL ? g_strndup (client, (gsize) (end - client))
                                           : g_strdup (client));
    }
  g_assert_cmpuint (g_hash_table_size (names), >=, 60);
}

/* Not only letters: a name that begins with NULs, which the table cannot hold. */
static void
test_behind_zeros (void)
{
  static const ShoalPeerId vuze = { "\0\0\0\0\0Azureusghijklmn" };
  static const ShoalPeerId none = { { 0 } };
  g_autofree char *known = shoal_client_name (&vuze);
  g_autofree char *unknown = shoal_client_name (&none);

  g_assert_cmpstr (known, ==, "Azureus");
  g_assert_cmpstr (unknown, ==, "");
}

/* Whatever comes, it is text. */
static void
test_any (void)
{
  static const char beginnings[] = "-AMTSRQOU13";
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 100000; i++)
    {
      ShoalPeerId id;
      g_autofree char *name = NULL;

      shoal_rng_bytes (&rng, id.bytes, sizeof id.bytes);
      id.bytes[0] = (guint8) beginnings[i % (sizeof beginnings - 1)];
      if (i % 3 == 0)
        memset (id.bytes + 3, '-', 6);
      name = shoal_client_name (&id);
      g_assert_true (g_utf8_validate (name, -1, NULL));
      g_assert_cmpuint (strlen (name), <, 64);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/client-name/known", test_known);
  g_test_add_func ("/wire/client-name/behind-zeros", test_behind_zeros);
  g_test_add_func ("/wire/client-name/any", test_any);

  return g_test_run ();
}
