/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The floor under every download: a program that only receives, hashes and writes. */

/* What comes has the form of BitTorrent's piece messages, in order, from a sender that is this
 * program as well. readv() puts each block where it belongs in the buffer of its piece and the
 * headers aside; a full piece is hashed by one call of OpenSSL's SHA-1, compared, and written by
 * one pwrite(). One thread, blocking calls, no requests: a real seed answers out of order, which
 * would cost a floor work that is not its own.
 *
 * floor send HOST FILE PIECE-SIZE                        prints its port, serves one receiver
 * floor receive HOST PORT SIZE PIECE-SIZE HASHES OUT     HASHES: the SHA-1 of each piece, in a row
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK_SIZE      16384u
#define HEADER_SIZE     13u
#define HASH_SIZE       20u
#define LOW_MARK        (256 * 1024)
#define MAX_SPANS       32u       /* blocks read or sent by one call */

typedef struct
{
  int       fd;
  int       out;
  uint64_t  size;
  uint32_t  piece_size;
  uint64_t  n_blocks;
  uint64_t  at;                 /* the block that comes next */
  uint32_t  filled;             /* bytes of its header and payload that are there */
  uint8_t  *piece;              /* the piece that it belongs to */
  uint8_t   headers[MAX_SPANS][HEADER_SIZE];
  uint8_t   header[HEADER_SIZE]; /* of the block that comes next */
  uint8_t  *hashes;
  EVP_MD   *md;
} Floor;

static void
die (const char *what)
{
  fprintf (stderr, "floor: %s: %s\n", what, strerror (errno));
  exit (1);
}

static void
put_u32 (uint8_t  *at,
         uint32_t  value)
{
  value = htonl (value);
  memcpy (at, &value, sizeof value);
}

static uint32_t
get_u32 (const uint8_t *at)
{
  uint32_t value;

  memcpy (&value, at, sizeof value);

  return ntohl (value);
}

static uint32_t
block_size (const Floor *self,
            uint64_t     block)
{
  uint64_t left = self->size - block * BLOCK_SIZE;

  return left < BLOCK_SIZE ? (uint32_t) left : BLOCK_SIZE;
}

static uint32_t
piece_of (const Floor *self,
          uint64_t     block)
{
  return (uint32_t) (block * BLOCK_SIZE / self->piece_size);
}

static uint32_t
offset_of (const Floor *self,
           uint64_t     block)
{
  return (uint32_t) (block * BLOCK_SIZE % self->piece_size);
}

static void
piece_done (Floor    *self,
            uint32_t  piece,
            uint32_t  size)
{
  uint8_t digest[EVP_MAX_MD_SIZE];
  uint64_t offset = (uint64_t) piece * self->piece_size;

  if (EVP_Digest (self->piece, size, digest, NULL, self->md, NULL) != 1 ||
      memcmp (digest, self->hashes + (size_t) piece * HASH_SIZE, HASH_SIZE) != 0)
    {
      fprintf (stderr, "floor: piece %u is wrong\n", piece);
      exit (1);
    }
  if (pwrite (self->out, self->piece, size, (off_t) offset) != (ssize_t) size)
    die ("pwrite");
}

/* The bytes that readv() delivered, block by block. */
static void
take (Floor    *self,
      size_t    n,
      uint64_t  first)
{
  while (n > 0)
    {
      uint32_t whole = HEADER_SIZE + block_size (self, self->at);
      uint32_t step = whole - self->filled < n ? whole - self->filled : (uint32_t) n;
      const uint8_t *header = self->headers[self->at - first];

      self->filled += step;
      n -= step;
      if (self->filled < whole)
        {
          memcpy (self->header, header, HEADER_SIZE);
          return;
        }
      if (get_u32 (header) != 9 + block_size (self, self->at) || header[4] != 7 ||
          get_u32 (header + 5) != piece_of (self, self->at) ||
          get_u32 (header + 9) != offset_of (self, self->at))
        {
          fprintf (stderr, "floor: not the block that comes next\n");
          exit (1);
        }
      self->filled = 0;
      self->at++;
      if (self->at == self->n_blocks || offset_of (self, self->at) == 0)
        piece_done (self, piece_of (self, self->at - 1),
                    offset_of (self, self->at - 1) + block_size (self, self->at - 1));
    }
}

/* Blocks up to the end of the piece in one call, the header of each aside. */
static void
receive (Floor *self)
{
  struct iovec spans[2 * MAX_SPANS];
  uint64_t first = self->at;
  int n_spans = 0;
  ssize_t n;

  memcpy (self->headers[0], self->header, HEADER_SIZE);
  for (uint64_t block = first; block < self->n_blocks && block - first < MAX_SPANS &&
                               piece_of (self, block) == piece_of (self, first);
       block++)
    {
      uint32_t skip = block == first ? self->filled : 0;
      uint8_t *payload = self->piece + offset_of (self, block);

      if (skip < HEADER_SIZE)
        {
          spans[n_spans++] = (struct iovec){ self->headers[block - first] + skip,
                                             HEADER_SIZE - skip };
          skip = 0;
        }
      else
        {
          skip -= HEADER_SIZE;
        }
      spans[n_spans++] = (struct iovec) { payload + skip, block_size (self, block) - skip };
    }

  n = readv (self->fd, spans, n_spans);
  if (n <= 0)
    die ("the sender closed the connection");
  take (self, (size_t) n, first);
}

static struct sockaddr_in
address (const char *host,
         const char *port)
{
  struct sockaddr_in to = { .sin_family = AF_INET };

  to.sin_port = htons ((uint16_t) atoi (port));
  if (inet_pton (AF_INET, host, &to.sin_addr) != 1)
    die (host);

  return to;
}

static void
set_sizes (Floor      *self,
           uint64_t    size,
           const char *piece_size)
{
  self->size = size;
  self->piece_size = (uint32_t) strtoul (piece_size, NULL, 10);
  self->n_blocks = (size + BLOCK_SIZE - 1) / BLOCK_SIZE;
}

static int
do_send (Floor  *self,
         char  **args)
{
  struct sockaddr_in own = address (args[0], "0");
  socklen_t own_size = sizeof own;
  int file = open (args[1], O_RDONLY | O_CLOEXEC);
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct stat info;
  uint8_t *data;

  if (file < 0 || fstat (file, &info) != 0)
    die (args[1]);
  set_sizes (self, (uint64_t) info.st_size, args[2]);
  data = mmap (NULL, self->size, PROT_READ, MAP_SHARED, file, 0);
  if (data == MAP_FAILED || bind (listener, (struct sockaddr *) &own, sizeof own) != 0 ||
      listen (listener, 1) != 0 || getsockname (listener, (struct sockaddr *) &own, &own_size) != 0)
    die (args[0]);
  printf ("%u\n", ntohs (own.sin_port));
  fflush (stdout);
  self->fd = accept (listener, NULL, NULL);
  if (self->fd < 0)
    die ("accept");

  while (self->at < self->n_blocks)
    {
      struct iovec spans[2 * MAX_SPANS];
      size_t n_spans = 0, left = 0;

      for (uint32_t i = 0; i < MAX_SPANS && self->at < self->n_blocks; i++, self->at++)
        {
          uint8_t *header = self->headers[i];
          uint32_t size = block_size (self, self->at);

          put_u32 (header, 9 + size);
          header[4] = 7;
          put_u32 (header + 5, piece_of (self, self->at));
          put_u32 (header + 9, offset_of (self, self->at));
          spans[n_spans++] = (struct iovec) { header, HEADER_SIZE };
          spans[n_spans++] = (struct iovec) { data + self->at * BLOCK_SIZE, size };
          left += HEADER_SIZE + size;
        }
      for (struct iovec *span = spans; left > 0;)
        {
          ssize_t n = writev (self->fd, span, (int) (spans + n_spans - span));

          if (n <= 0)
            die ("writev");
          left -= (size_t) n;
          while (n > 0 && (size_t) n >= span->iov_len)
            n -= (ssize_t) span++->iov_len;
          if (n > 0)
            *span = (struct iovec) { (uint8_t *) span->iov_base + n, span->iov_len - (size_t) n };
        }
    }

  return 0;
}

static int
do_receive (Floor  *self,
            char  **args)
{
  struct sockaddr_in to = address (args[0], args[1]);
  int mark = LOW_MARK;
  FILE *hashes;
  size_t n_pieces;

  set_sizes (self, strtoull (args[2], NULL, 10), args[3]);
  n_pieces = (self->size + self->piece_size - 1) / self->piece_size;
  self->piece = malloc (self->piece_size);
  self->hashes = malloc (n_pieces * HASH_SIZE);
  self->md = EVP_MD_fetch (NULL, "SHA1", NULL);
  hashes = fopen (args[4], "rb");
  if (self->piece == NULL || self->hashes == NULL || hashes == NULL ||
      fread (self->hashes, HASH_SIZE, n_pieces, hashes) != n_pieces)
    die (args[4]);
  fclose (hashes);
  self->out = open (args[5], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (self->out < 0 || posix_fallocate (self->out, 0, (off_t) self->size) != 0)
    die (args[5]);
  self->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect (self->fd, (struct sockaddr *) &to, sizeof to) != 0)
    die (args[0]);
  setsockopt (self->fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark);

  while (self->at < self->n_blocks)
    receive (self);
  printf ("complete\n");

  return 0;
}

int
main (int    argc,
      char **argv)
{
  Floor self = { 0 };

  if (argc == 5 && strcmp (argv[1], "send") == 0)
    return do_send (&self, argv + 2);
  if (argc == 8 && strcmp (argv[1], "receive") == 0)
    return do_receive (&self, argv + 2);
  fprintf (stderr,
           "floor send HOST FILE PIECE-SIZE\nfloor receive HOST PORT SIZE PIECE-SIZE HASHES OUT\n");

  return 2;
}
