/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of HTTP: a call under way, shared by its parts only. */

#pragma once

#include "shoal-http.h"

#include <libsoup/soup.h>
#include "shoal-http-moves.h"
#include "shoal-list.h"

G_BEGIN_DECLS

struct _ShoalHttp
{
  GMainContext  *context;
  ShoalHttpWay  *way;
  ShoalHttpWay  *own_way;                              /* (nullable): (owned) @way, if none was
                                                        * given */
  ShoalHttpMoves *moves;                               /* of web seeds */
  ShoalNode      calls;                                /* of HttpCall */
  ShoalNode      ready;                                /* of HttpCall: streams to be looked at in
                                                        * the next turn */
  ShoalFetchFunc answered;
  ShoalHttpWake  wake;                                 /* (nullable) */
  gpointer       user_data;
  guint64        moved;                                /* bytes of streams */
};

typedef struct
{
  ShoalNode     node;
  ShoalNode     ready_node;
  ShoalHttp    *http;
  ShoalFetch   *fetch;
  GUri         *uri;
  SoupMessage  *message;
  GInputStream *stream;
  GByteArray   *body;
  GCancellable *cancellable;
  GSource      *timer;
  GSource      *readable;     /* (nullable): of a stream: bytes are waited for */
  guint         n_redirects;
  gboolean      remembered;   /* @uri is where the link led before */
  gboolean      fleeting;     /* a redirect was not for good */
  gboolean      unkept;       /* a redirect is not to be remembered */
  gboolean      late;
  gboolean      streaming;    /* the head is there, the sink gets the body */
  gboolean      head_told;
} HttpCall;

/* shoal-http.c */
/* @why: (nullable): NULL: the body is complete. Frees it */
void http_call_finish    (HttpCall *call, const char *why);
void http_call_stop_timer (HttpCall *call);

/* shoal-http-stream.c */
void http_stream_begin   (HttpCall *call);                    /* the head is there */
void http_stream_clear   (HttpCall *call);

G_END_DECLS
