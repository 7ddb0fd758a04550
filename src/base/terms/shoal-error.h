/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error domains of Shoal. Errors of the system are G_IO_ERROR. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalWireError:
 * @SHOAL_WIRE_ERROR_TRUNCATED: the input ends too early
 * @SHOAL_WIRE_ERROR_MALFORMED: the input breaks its format
 * @SHOAL_WIRE_ERROR_TOO_LARGE: a named limit is exceeded
 * @SHOAL_WIRE_ERROR_UNSUPPORTED: well formed, of a kind that Shoal does not know
 */
typedef enum
{
  SHOAL_WIRE_ERROR_TRUNCATED,
  SHOAL_WIRE_ERROR_MALFORMED,
  SHOAL_WIRE_ERROR_TOO_LARGE,
  SHOAL_WIRE_ERROR_UNSUPPORTED,
} ShoalWireError;

/**
 * ShoalEngineError:
 * @SHOAL_ENGINE_ERROR_DUPLICATE: the torrent is there already
 * @SHOAL_ENGINE_ERROR_NO_TORRENT: no torrent has this id
 * @SHOAL_ENGINE_ERROR_STATE: not possible in the torrent's state
 * @SHOAL_ENGINE_ERROR_DATA_MISSING: data that was there is gone
 * @SHOAL_ENGINE_ERROR_FETCH: a link could not be fetched
 */
typedef enum
{
  SHOAL_ENGINE_ERROR_DUPLICATE,
  SHOAL_ENGINE_ERROR_NO_TORRENT,
  SHOAL_ENGINE_ERROR_STATE,
  SHOAL_ENGINE_ERROR_DATA_MISSING,
  SHOAL_ENGINE_ERROR_FETCH,
} ShoalEngineError;

/**
 * ShoalStoreError:
 * @SHOAL_STORE_ERROR_CORRUPT: a resume record does not match its digest
 * @SHOAL_STORE_ERROR_IN_USE: the state folder belongs to another process
 */
typedef enum
{
  SHOAL_STORE_ERROR_CORRUPT,
  SHOAL_STORE_ERROR_IN_USE,
} ShoalStoreError;

#define SHOAL_WIRE_ERROR   (shoal_wire_error_quark ())
#define SHOAL_ENGINE_ERROR (shoal_engine_error_quark ())
#define SHOAL_STORE_ERROR  (shoal_store_error_quark ())

GQuark shoal_wire_error_quark   (void);
GQuark shoal_engine_error_quark (void);
GQuark shoal_store_error_quark  (void);

G_END_DECLS
