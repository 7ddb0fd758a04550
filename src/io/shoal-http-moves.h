/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where web servers have sent us on to, for a while: not every range of a file shall be asked for
 * at the old place first. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SHOAL_HTTP_MOVES_MAX      256u                       /* links; of more, the one that ends
                                                              * first is forgotten */
#define SHOAL_HTTP_MOVE_SIZE_MAX  4096u                      /* bytes of a link; longer ones are not
                                                              * kept */
#define SHOAL_HTTP_MOVE_US        (300 * G_USEC_PER_SEC)     /* 302, 303 and 307; 301 and 308 hold
                                                              * as long as there is room */

/* All times are monotonic microseconds. */
typedef struct _ShoalHttpMoves ShoalHttpMoves;

ShoalHttpMoves *shoal_http_moves_new    (void);
void            shoal_http_moves_free   (ShoalHttpMoves *self);

/* @permanent: every step of the way said so */
void            shoal_http_moves_keep   (ShoalHttpMoves *self, const char *url, GUri *to,
                                         gboolean permanent, gint64 now_us);
/* (transfer full) (nullable): where @url has led; %NULL: not known, or for too long */
GUri           *shoal_http_moves_find   (ShoalHttpMoves *self, const char *url, gint64 now_us);
/* It does not lead there any more. */
void            shoal_http_moves_forget (ShoalHttpMoves *self, const char *url);
void            shoal_http_moves_clear  (ShoalHttpMoves *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalHttpMoves, shoal_http_moves_free)

G_END_DECLS
