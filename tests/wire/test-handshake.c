/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handshake, byte by byte, and the names behind peer ids. */

#include "shoal-handshake.h"
#include <string.h>

static void
make (ShoalHandshake *out,
      ShoalReserved   reserved)
{
  *out = (ShoalHandshake){ .reserved = reserved };
  memset (out->info_hash.bytes, 0xaa, sizeof out->info_hash.bytes);
  memcpy (out->peer_id.bytes, "-SH0100-abcdefghijkl", SHOAL_PEER_ID_SIZE);
}

static void
test_bytes (void)
{
  static const guint8 reserved[8] = { 0, 0, 0, 0, 0, 0x10, 0, 0x15 };
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  ShoalHandshake out;

  make (&out, SHOAL_RESERVED_EXTENDED | SHOAL_RESERVED_FAST | SHOAL_RESERVED_DHT | SHOAL_RESERVED_V2);
  shoal_handshake_write (&out, bytes);
  g_assert_cmpmem (bytes, 20, "\x13" "BitTorrent protocol", 20);
  g_assert_cmpmem (bytes + 20, 8, reserved, 8);
  g_assert_cmpmem (bytes + 28, 20, out.info_hash.bytes, 20);
  g_assert_cmpmem (bytes + 48, 20, "-SH0100-abcdefghijkl", 20);
}

static void
test_round_trip (void)
{
  for (guint reserved = 0; reserved < 16; reserved++)
    {
      guint8 bytes[SHOAL_HANDSHAKE_SIZE];
      ShoalHandshake in;
      ShoalHandshake out;

      make (&in, (ShoalReserved) reserved);
      shoal_handshake_write (&in, bytes);
      g_assert_true (shoal_handshake_parse (&out, bytes));
      g_assert_cmpuint (out.reserved, ==, reserved);
      g_assert_cmpmem (out.info_hash.bytes, 20, in.info_hash.bytes, 20);
      g_assert_cmpmem (out.peer_id.bytes, 20, in.peer_id.bytes, 20);
    }
}

/* Bits that nobody has defined for us are passed over. */
static void
test_foreign_bits (void)
{
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  ShoalHandshake handshake;

  make (&handshake, 0);
  shoal_handshake_write (&handshake, bytes);
  memset (bytes + 20, 0xff, 8);
  g_assert_true (shoal_handshake_parse (&handshake, bytes));
  g_assert_cmpuint (handshake.reserved, ==, 15);
}

static void
test_split (void)
{
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  ShoalHandshake handshake;

  make (&handshake, SHOAL_RESERVED_FAST);
  shoal_handshake_write (&handshake, bytes);
  for (gsize size = 0; size <= sizeof bytes; size++)
    {
      g_autofree guint8 *copy = g_memdup2 (bytes, size);

      g_assert_true (shoal_handshake_begins (copy, size));
    }
  for (gsize wrong = 0; wrong < 20; wrong++)
    {
      bytes[wrong] ^= 1;
      g_assert_true (shoal_handshake_begins (bytes, wrong));
      g_assert_false (shoal_handshake_begins (bytes, wrong + 1));
      g_assert_false (shoal_handshake_parse (&handshake, bytes));
      bytes[wrong] ^= 1;
    }
  g_assert_false (shoal_handshake_begins ((const guint8 *) "GET / HTTP/1.1\r\n", 1));
}

static void
test_own_id (void)
{
  guint8 random[12];
  ShoalPeerId id;
  ShoalPeerId other;
  g_autofree char *name = NULL;

  for (guint i = 0; i < 12; i++)
    random[i] = (guint8) (i * 23);
  shoal_peer_id_make (&id, random);
  g_assert_cmpmem (id.bytes, 8, "-SH0100-", 8);
  for (guint i = 8; i < 20; i++)
    g_assert_true (g_ascii_isgraph (id.bytes[i]));
  random[0]++;
  shoal_peer_id_make (&other, random);
  g_assert_cmpint (memcmp (&id, &other, sizeof id), !=, 0);
  name = shoal_peer_id_client (&id);
  g_assert_cmpstr (name, ==, "Shoal 0.1.0");
}

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
  { "-WD0024-", "WebTorrent Desktop 0.0.2.4" }, { "-WW2137-", "WebTorrent 2.1.3.7" },
  { "-XL0012-", "Xunlei 0.0.1.2" },       { "-XT1000-", "XanTorrent 1.0.0" },
  { "-XX1000-", "Xtorrent 1.0.0" },       { "-ZT1000-", "ZipTorrent 1.0.0" },
  { "-lt0D60-", "rTorrent 0.13.6" },      { "-qB4630-", "qBittorrent 4.6.3" },
  { "-qB500B-", "qBittorrent 5.0.0" },    { "-rQ8000-", "rqbit 8.0.0" },
  { "-GT0003-", "anacrolix/torrent 0.0.0" },
  { "-UT!!!!-", "µTorrent" },
  /* after Shadow */
  { "S58B-----", "Shadow's client 5.8.11" }, { "T03I-----", "BitTornado 0.3.18" },
  { "A310-----", "ABC 3.1.0" },           { "O1-------", "Osprey Permaseed 1" },
  { "R340-----", "Tribler 3.4.0" },       { "U123-----", "UPnP NAT BitTorrent 1.2.3" },
  /* numbers and dashes */
  { "M7-10-5--", "BitTorrent 7.10.5" },   { "M4-20-8-", "BitTorrent 4.20.8" },
  { "A2-1-36-0-", "aria2 1.36.0" },       { "Mbrst1-1-5-", "Burst! 1.1.5" },
  { "Q1-23-0-", "Queen Bee 1.23.0" },     { "S3-1-0-0--", "Amazon S3 1.0.0" },
  /* like nothing else */
  { "-BOWA0C-", "Bits on Wheels" },       { "346-----", "TorrentTopia" },
  { "AZ2500BT", "BitTyrant" },            { "exbc08", "BitComet" },
  { "turbobt2.0", "TurboBT" },            { "XBT054d-", "XBT" },
  { "OP7685", "Opera" },                  { "btpd/0.16", "BT Protocol Daemon" },
  { "martini", "Martini Man" },           { "Plus210", "Plus!" },
  { "DNA00000", "BitTorrent DNA" },       { "10-------", "JVtorrent" },
  /* unknown */
  { "-zz1234-", "-zz1234-xxxxxxxxxxxx" }, { "\x01", "" },
  { "hello\x80\xff", "hello" },           { "he\x1bllo", "he" },
};

static void
test_clients (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      g_autofree char *client = NULL;
      ShoalPeerId id;
      char *end;

      memset (id.bytes, 'x', sizeof id.bytes);
      memcpy (id.bytes, clients[i].id, strlen (clients[i].id));
      client = shoal_peer_id_client (&id);
      g_assert_cmpstr (client, ==, clients[i].client);
      end = strrchr (client, ' ');
      g_hash_table_add (names, end != NULL ? g_strndup (client, (gsize) (end - client)) : g_strdup (client));
    }
  g_assert_cmpuint (g_hash_table_size (names), >=, 60);
}

static void
test_random_ids (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *client = NULL;
      ShoalPeerId id;

      for (guint j = 0; j < sizeof id.bytes; j++)
        id.bytes[j] = (guint8) g_rand_int_range (rand, 0, 256);
      if (i % 2 == 0)
        id.bytes[0] = (guint8) "-STMAQ13"[i / 2 % 8];
      client = shoal_peer_id_client (&id);
      g_assert_true (g_utf8_validate (client, -1, NULL));
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/handshake/bytes", test_bytes);
  g_test_add_func ("/wire/handshake/round-trip", test_round_trip);
  g_test_add_func ("/wire/handshake/foreign-bits", test_foreign_bits);
  g_test_add_func ("/wire/handshake/split", test_split);
  g_test_add_func ("/wire/peer-id/own", test_own_id);
  g_test_add_func ("/wire/peer-id/clients", test_clients);
  g_test_add_func ("/wire/peer-id/random", test_random_ids);

  return g_test_run ();
}
