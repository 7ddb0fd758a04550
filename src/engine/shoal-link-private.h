/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection to a peer: framing, request pipeline, uploads. */

#pragma once

#include "shoal-extended.h"
#include "shoal-link-cipher.h"
#include "shoal-pex-link.h"
#include "shoal-requests.h"
#include "shoal-swarm-private.h"

G_BEGIN_DECLS

#define SHOAL_CONTRIBUTOR_UNKNOWN (1u << 31)                /* bit of those that the peer book has
                                                             * no number for */
#define SHOAL_REQQ                500u                      /* requests that we queue for a peer,
                                                             * told in "reqq" */
#define SHOAL_REQQ_DEFAULT        250u                      /* of a peer that does not tell */
#define SHOAL_DEPTH_FIRST         4u                        /* requests under way before anything is
                                                             * known of the peer */
#define SHOAL_DEPTH_MIN           2u
#define SHOAL_GREET_TIMEOUT_US    (20 * G_USEC_PER_SEC)
#define SHOAL_TWIN_US             (2 * G_USEC_PER_SEC)      /* two links with one peer: time for the
                                                             * other end to close one */
#define SHOAL_IDLE_TIMEOUT_US     (150 * G_USEC_PER_SEC)    /* no message at all */
#define SHOAL_KEEP_ALIVE_US       (100 * G_USEC_PER_SEC)
#define SHOAL_USELESS_TIMEOUT_US  (300 * G_USEC_PER_SEC)    /* nobody is interested in anybody */
#define SHOAL_SNUB_US             (60 * G_USEC_PER_SEC)
#define SHOAL_REQUEST_TIMEOUT_US  (20 * G_USEC_PER_SEC)     /* no block for so long: requests go to
                                                             * others */
#define SHOAL_REQUEST_TIMEOUT_MIN_US (5 * G_USEC_PER_SEC)
#define SHOAL_ALLOWED_FAST        10u                       /* pieces that a choked peer may
                                                             * fetch */
#define SHOAL_UPLOAD_AHEAD_MIN    (256u * 1024)             /* bytes read ahead of what the socket
                                                             * took */
#define SHOAL_UPLOAD_AHEAD_MAX    (2u * 1024 * 1024)
#define SHOAL_HASHES_AHEAD_MAX    (3u * 1024 * 1024)        /* with more queued no hashes are
                                                             * given */
#define SHOAL_OUTBOX_MAX          (8u * 1024 * 1024)        /* a peer that makes us say so much
                                                             * without reading is closed */
#define SHOAL_EARLY_HAVES_MAX     65536u                    /* told before the metadata is known */
#define SHOAL_LOW_MARK            (64u * 1024)
#define SHOAL_REFUSED_US          (2 * G_USEC_PER_SEC)      /* one that refuses is not asked for so
                                                             * long */
#define SHOAL_REFUSED_MAX         32u                       /* refused in a row without any block:
                                                             * of no use */
#define SHOAL_BLOCK_TIMEOUT_US    (120 * G_USEC_PER_SEC)    /* for one block whose bytes keep
                                                             * coming */
#define SHOAL_METADATA_WANTED_MAX 16u
#define SHOAL_HASHES_FIRST_US     (250 * G_TIME_SPAN_MILLISECOND)   /* blocks wait so long for the
                                                                     * next request for hashes */
#define SHOAL_HASHES_FIRST_MAX_US (3 * G_USEC_PER_SEC)              /* and so long in all */

#define SHOAL_SUPER_OFFERS        2u                        /* pieces that a super-seed tells a peer
                                                             * of at once */

/* A piece that a super-seed told a peer of. */
typedef struct
{
  guint32 piece;         /* G_MAXUINT32: none */
  gint64  told_us;
} ShoalOffer;

typedef enum
{
  SHOAL_LINK_DIALING,
  SHOAL_LINK_GREETING,    /* handshakes are under way */
  SHOAL_LINK_LIVE,
  SHOAL_LINK_ENDING,      /* what is in the outbox goes out, then the link is hung up */
  SHOAL_LINK_CLOSING,     /* hung up; waits for shoal_link_closed() */
} ShoalLinkState;

/* A block that a peer asked for. */
typedef struct
{
  guint32       piece;
  guint32       offset;
  guint32       size;
  ShoalDiskJob *job;      /* reading */
  gboolean      ready;    /* @job is done */
} ShoalUpload;

struct _ShoalLink
{
  ShoalEngine     *engine;
  ShoalSwarm      *swarm;          /* NULL: an incoming one that has not said what it wants */
  ShoalNode        engine_node;
  ShoalNode        swarm_node;
  gpointer         host_data;
  ShoalUtpSocket  *utp;            /* (nullable): its uTP leg */
  gboolean         utp_tried;
  gboolean         over_utp;       /* that leg is the one that was kept */
  gsize            apart;          /* bytes of the outbox that go in packets of their own there: the
                                    * handshake */
  gboolean         tcp_leg;        /* the host has one for it */
  gboolean         tcp_open;       /* which waits for uTP to answer */
  ShoalTimer       race_timer;
  ShoalNode        ended_node;     /* hung up, and no host will say that it is closed */
  ShoalAddr        addr;
  ShoalKnownPeer  *known;          /* (nullable) */
  guint            contributor;    /* number of @known, or one that no known peer has */
  ShoalLinkState   state;
  gboolean         outgoing;
  gboolean         exempt;         /* the local network: no limits */
  const char      *why;            /* static text: why it is being closed */
  gboolean         stopped;        /* closed because the torrent stops */
  ShoalSha1        key;            /* the info-hash that it goes by: of a hybrid, one of two */
  gboolean         offered_v2;     /* our handshake said that the answer may name the v2 hash
                                    * instead */

  gboolean         undecided;      /* it came, and has not said enough to tell whether it
                                    * encrypts */
  ShoalMseMethod   method;         /* agreed on by encrypted handshake; 0: there was none */
  ShoalLinkCipher *cipher;         /* (nullable): NULL: nothing is enciphered now */
  gboolean         greeted;        /* our handshake is out */
  gboolean         peer_id_known;
  ShoalPeerId      peer_id;
  ShoalReserved    reserved;       /* of the peer */
  char            *client;         /* (nullable): from the extension handshake */
  guint8           numbers[SHOAL_N_EXTENDED];
  guint32          peer_reqq;
  guint32          metadata_size;
  gboolean         gave_metadata;       /* or a part of it: it will come for the rest */
  gint64           metadata_after_us;   /* it refused or was too slow: not to be asked for metadata
                                         * before */
  GArray          *metadata_wanted;     /* (nullable): of guint32: parts that it gets once the
                                         * .torrent was read again */
  gint64           hashes_after_us;     /* the same for hashes */
  gint64           leaf_after_us;       /* it gets no hashes of blocks before */
  GArray          *hashes_wanted;       /* (nullable): of ShoalHashRequest: as @metadata_wanted */
  gboolean         upload_only;
  guint            n_punches;      /* ways through NATs that it asked for lately, or pointed us
                                    * at */
  gint64           punched_us;
  ShoalPexLink    *pex;            /* (nullable): peer exchange; NULL: not with this peer */
  guint16          told_port;           /* where it says that it listens; 0: it did not say */

  gboolean         am_choking;
  gboolean         am_interested;
  gboolean         peer_choking;
  gboolean         peer_interested;
  gboolean         has_all;
  ShoalBitfield   *bits;           /* (nullable): NULL: nothing, or all with @has_all */
  GBytes          *early_bits;     /* told before the metadata is known */
  GArray          *early_haves;
  gboolean         counted;        /* its pieces are in the picker's availability */
  gboolean         bits_told;      /* bitfield, have all or have none came */
  gboolean         we_told;        /* ours went out */
  gboolean         masked;         /* super-seeding: it was told that there is nothing */
  ShoalOffer       offers[SHOAL_SUPER_OFFERS];    /* while @masked */
  gboolean         told_none;      /* when there were none yet, or none known */
  guint32          fast[SHOAL_ALLOWED_FAST];      /* pieces that it may fetch while choked */
  guint            n_fast;
  GArray          *fast_in;        /* (nullable): of guint32: pieces that we may fetch while
                                    * choked */

  /* input */
  guint8          *carry;          /* the beginning of a message that is not complete */
  gsize            carry_size;
  gsize            carry_capacity;
  gboolean         in_block;
  gboolean         discard;        /* the block under way is not wanted any more */
  ShoalBlock       block;
  guint32          block_size;
  guint32          block_got;
  guint8          *place;          /* where it goes; NULL: it is discarded */
  guint8          *own_place;      /* (owned): buffer of a block that several peers were asked
                                    * for */
  ShoalRequest     block_request;

  /* requests */
  ShoalRequests    requests;
  guint            depth;
  gboolean         slow_start;
  guint64          last_rate;
  gint64           last_rate_us;
  gint64           rtt_us;         /* least seen; 0: not known */
  gint64           last_block_us;
  gboolean         snubbed;
  gboolean         suspended;      /* timed out: one request at a time until a block comes */
  guint            n_refused;      /* requests in a row that it refused while not choking */
  gint64           refused_us;     /* the last of them */
  gint64           limited_us;     /* a limit of ours last kept its bytes waiting */

  /* uploads */
  GArray          *uploads;        /* of ShoalUpload */
  guint64          ahead;          /* bytes being read or in the outbox */
  guint            next_reader;    /* index of the first upload that is not being read */
  ShoalTimer       hold_timer;     /* blocks wait, see shoal_link_hold_blocks() */
  gint64           held_us;        /* since when; 0: they never did */
  guint            n_reading;      /* jobs whose link must not go before they are done */

  ShoalOutbox     *outbox;
  ShoalLimiterWait wait[2];
  gboolean         limited[2];     /* stands in the limiter's queue */
  guint            allowance;      /* bytes that the last window may take */

  ShoalRate        rate_down;      /* payload, 20 s: what choking goes by */
  ShoalRate        rate_up;
  ShoalRate        rate_now;       /* payload, 2 s: what the pipeline goes by */
  gint64           opened_us;
  gint64           twin_us;        /* when one of two links with the peer goes; 0: there is one */
  gint64           unchoked_us;
  gint64           heard_us;
  gint64           said_us;
  gint64           useful_us;      /* somebody was last interested in somebody */
  guint64          received;       /* payload bytes */
  guint64          sent;
};

/* shoal-link.c */
ShoalLink  *shoal_link_dial           (ShoalSwarm *swarm, ShoalKnownPeer *known);
/* it is for this torrent */
void        shoal_link_join           (ShoalLink *self, ShoalSwarm *swarm);
void        shoal_link_hang_up        (ShoalLink *self, const char *why);      /* at once */
/* after what is in the outbox; gives its requests back now */
void        shoal_link_end            (ShoalLink *self, const char *why);
void        shoal_link_attend         (ShoalLink *self);
void        shoal_link_say            (ShoalLink *self, ShoalMessageId id);
void        shoal_link_say_piece      (ShoalLink *self, ShoalMessageId id, guint32 piece);
void        shoal_link_say_request    (ShoalLink *self, ShoalMessageId id, guint32 piece,
                                       guint32 offset, guint32 size);
/* the hashes themselves follow */
void        shoal_link_say_hashes     (ShoalLink *self, ShoalMessageId id,
                                       const ShoalHashRequest *request);
void        shoal_link_tick           (ShoalLink *self);
gboolean    shoal_link_is_fast        (const ShoalLink *self);
gboolean    shoal_link_peer_has       (const ShoalLink *self, guint32 piece);
gboolean    shoal_link_is_seed        (const ShoalLink *self);
/* the layout is there: bits that came early count now */
void        shoal_link_metadata_known (ShoalLink *self);
/* into the picker's availability */
void        shoal_link_count          (ShoalLink *self);
void        shoal_link_uncount        (ShoalLink *self);

static inline gboolean
shoal_link_is_live (const ShoalLink *self)
{
  return self->state == SHOAL_LINK_LIVE;
}

/* shoal-link-greet.c */
void        shoal_link_greet          (ShoalLink *self);
/* SHOAL_HANDSHAKE_SIZE */
void        shoal_link_write_greeting (ShoalLink *self, guint8 *out);
/* their handshake came */
void        shoal_link_welcome        (ShoalLink *self, const ShoalHandshake *handshake);
void        shoal_link_tell_pieces    (ShoalLink *self);

/* shoal-link-cipher.c */
/* begins an encrypted handshake; FALSE: not with this peer */
gboolean    shoal_link_cipher_dial    (ShoalLink *self);
/* dialled, and the encrypted handshake did not end */
gboolean    shoal_link_cipher_failed  (const ShoalLink *self);
/* that, and shoal_mse_is_short() */
gboolean    shoal_link_cipher_is_short (const ShoalLink *self);
void        shoal_link_cipher_free    (ShoalLink *self);
/* returns how many bytes are not for the parser, the rest is plain */
gsize       shoal_link_decipher_greeting (ShoalLink *self, guint8 *bytes, gsize size);
/* the next bytes in, where they are */
void        shoal_link_decipher       (ShoalLink *self, guint8 *bytes, gsize size);
/* of the outbox; returns how many may go out */
gsize       shoal_link_encipher       (ShoalLink *self, gsize size);

static inline gboolean
shoal_link_is_greeting_encrypted (const ShoalLink *self)
{
  return self->undecided || (self->cipher != NULL && self->cipher->mse != NULL);
}

/* shoal-link-twins.c */
/* its handshake came; FALSE: there is such a link already */
gboolean    shoal_link_may_be_second  (ShoalLink *self);
/* the other end had its time to close one */
void        shoal_link_settle_twins   (ShoalLink *self);
/* it was closed: the peer may still be here */
void        shoal_link_leave_to_twin  (ShoalLink *self);
/* an incoming peer says where it listens */
void        shoal_link_reach          (ShoalLink *self, guint16 port);

/* shoal-link-utp.c */
extern const ShoalUtpHubOps shoal_link_utp_ops;
void        shoal_link_legs_init      (ShoalLink *self);
void        shoal_link_legs_end       (ShoalLink *self);
void        shoal_link_dial_legs      (ShoalLink *self);
void        shoal_link_hang_up_legs   (ShoalLink *self);
void        shoal_link_attend_leg     (ShoalLink *self);
/* TRUE: the link is open with it */
gboolean    shoal_link_tcp_opened     (ShoalLink *self);
/* TRUE: the link is closed with it */
gboolean    shoal_link_tcp_closed     (ShoalLink *self);
void        shoal_link_opened_at_last (ShoalLink *self);

/* shoal-link-input.c */
/* the block under way goes nowhere */
void        shoal_link_block_off      (ShoalLink *self);
/* the block under way goes to memory of the link's own */
void        shoal_link_block_private  (ShoalLink *self);

/* shoal-link-messages.c: FALSE: against the protocol, the link was hung up */
gboolean    shoal_link_message        (ShoalLink *self, const ShoalMessage *message);

/* shoal-link-extended.c */
void        shoal_link_say_extended   (ShoalLink *self);
/* by the number that the peer gave it */
void        shoal_link_say_extension  (ShoalLink *self, ShoalExtendedId extension, GBytes *payload);
gboolean    shoal_link_extended       (ShoalLink *self, const ShoalMessage *message);
gboolean    shoal_link_ask_metadata   (ShoalLink *self, guint32 part);
/* parts that had to wait for it are sent */
void        shoal_link_torrent_loaded (ShoalLink *self);

/* shoal-link-requests.c */
void        shoal_link_update_interest (ShoalLink *self);
void        shoal_link_request_more   (ShoalLink *self);
/* another peer delivered it: Cancel */
void        shoal_link_withdraw       (ShoalLink *self, ShoalBlock block);
/* every request back to the picker; @late: answers may still come */
void        shoal_link_give_back      (ShoalLink *self, gboolean late);
/* meters */
void        shoal_link_arrived        (ShoalLink *self, const ShoalRequest *request, guint32 size);
void        shoal_link_check_timeouts (ShoalLink *self);

/* shoal-link-upload.c */
void        shoal_link_asked          (ShoalLink *self, guint32 piece, guint32 offset,
                                       guint32 size);
void        shoal_link_asked_not      (ShoalLink *self, guint32 piece, guint32 offset,
                                       guint32 size);
void        shoal_link_pump           (ShoalLink *self);
/* it is fetching hashes: they go first */
void        shoal_link_hold_blocks    (ShoalLink *self);
void        shoal_link_set_choking    (ShoalLink *self, gboolean choking);
void        shoal_link_drop_uploads   (ShoalLink *self, gboolean reject, gboolean keep_fast);

G_END_DECLS
