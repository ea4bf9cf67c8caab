// Generated from docs/openapi.json by `npm run openapi`; do not edit.
export interface paths {
    "/api/v1/apps/{app}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search the audit log
         * @description A page may be short and still have a `next` cursor.
         */
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export the audit log
         * @description The rows as JSON lines, followed by the chain head.
         */
        get: operations["export_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Verify the audit log
         * @description Checks that no row was changed, removed, moved or truncated.
         */
        get: operations["verify_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/revoke-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke all tokens of the app
         * @description Voids tokens issued before a time, and ends the sessions authenticated before it with code 4101.
         */
        post: operations["revoke_all"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List rooms
         * @description Open and created rooms are listed by name.
         */
        get: operations["list_rooms"];
        put?: never;
        /**
         * Create a room
         * @description The room gets its own settings before it opens.
         */
        post: operations["create_room"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a room
         * @description An open or created room.
         */
        get: operations["show_room"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/disable_force_mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lift the mute of a room
         * @description Streams stay muted until their owners unmute them.
         */
        post: operations["disable_force_mute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a room
         * @description Removes all participants and revokes the room tokens issued so far.
         */
        post: operations["end_room"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/force_disconnect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Remove a user or participant
         * @description Removes them from the room or from the app. Give exactly one of `participant` and `username`.
         */
        post: operations["force_disconnect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/force_mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mute a stream, a participant or a user
         * @description Give exactly one of `stream`, `participant` and `username`. With `lock` the owner cannot unmute.
         */
        post: operations["force_mute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/force_mute_all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mute a room
         * @description Mutes all current and future streams.
         */
        post: operations["force_mute_all"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/force_unpublish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a stream
         * @description Removes the stream from the room.
         */
        post: operations["force_unpublish"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/lift_mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lift a mute
         * @description Lifts the mute and its lock. Streams stay muted until their owner unmutes them. Give exactly one of `stream`, `participant` and `username`.
         */
        post: operations["lift_mute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/lock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lock a room
         * @description Only moderators and participants of the last 10 minutes may join a locked room.
         */
        post: operations["lock_room"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/participants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the participants of a room
         * @description Participants are listed by id.
         */
        get: operations["list_participants"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/request_unmute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Request an unmute
         * @description Asks the owner of a stream to unmute it.
         */
        post: operations["request_unmute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/set_role": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change a role
         * @description Changes the role of a participant in the room.
         */
        post: operations["set_role"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/signal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a signal
         * @description The signal is from the server, to all participants of a room or to one of them.
         */
        post: operations["send_signal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/streams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the streams of a room
         * @description Streams are listed by id.
         */
        get: operations["list_streams"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/streams/{stream}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Set the layout classes of a stream
         * @description Replaces the classes that the stream has.
         */
        patch: operations["set_layout_classes"];
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/unblock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unblock a user
         * @description Lifts a moderator's block from the room or from the app.
         */
        post: operations["unblock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/rooms/{room}/unlock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unlock a room
         * @description Ends the effect of `lock`.
         */
        post: operations["unlock_room"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List sessions
         * @description Live sessions are listed oldest first, ended ones newest first.
         */
        get: operations["list_sessions"];
        put?: never;
        /**
         * Mint a session token
         * @description The token starts a session as its user. The gateway does not store it; a repeated call mints another one.
         */
        post: operations["mint_session_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/sessions/{session}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a session
         * @description A live session, or one that ended in the last 30 days.
         */
        get: operations["show_session"];
        put?: never;
        post?: never;
        /**
         * End a live session
         * @description Closes its connection with code 4015. Its client may start a new session.
         */
        delete: operations["end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/tokens/room": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mint a room token
         * @description With the token a session can join one room. The gateway does not store it; a repeated call mints another one.
         */
        post: operations["mint_room_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/tokens/server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mint a server token
         * @description The token authorizes calls of this API for at most an hour. Requires a server key.
         */
        post: operations["mint_server_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List users
         * @description Users are listed by name.
         */
        get: operations["list_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/users/{username}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a user
         * @description The user with their block and live sessions.
         */
        get: operations["show_user"];
        put?: never;
        post?: never;
        /**
         * Delete a user
         * @description Permanent. Ends their sessions with code 4012; the username stays blocked.
         */
        delete: operations["delete_user"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/users/{username}/ban": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ban a user
         * @description Ends their sessions with code 4011 and rejects new ones until the ban ends. Without `for_ms` it is permanent.
         */
        post: operations["ban_user"];
        /**
         * Unban a user
         * @description Lifts the ban. A moderator's block stays, and is in the answer.
         */
        delete: operations["unban_user"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/users/{username}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke all tokens of a user
         * @description Ends their sessions with code 4101. Tokens that the app issues from `accepted_from_ms` on are accepted.
         */
        post: operations["revoke_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhook endpoints
         * @description Each endpoint has its health and message counts. Former endpoints are listed while they have undelivered messages.
         */
        get: operations["list_webhooks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/webhooks/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List dead letters
         * @description Messages that could not be delivered, oldest first.
         */
        get: operations["list_dead_letters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/webhooks/dead-letters/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay all dead letters of an endpoint
         * @description Queues the messages for delivery again, also those of a disabled endpoint.
         */
        post: operations["replay_dead_letters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apps/{app}/webhooks/dead-letters/{number}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay a dead letter
         * @description Queues the message for delivery again.
         */
        post: operations["replay_dead_letter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drain and stop the node
         * @description Does what SIGTERM does. A repeated call has no further effect.
         */
        post: operations["drain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate the signing keys
         * @description Makes a new signing key for access tokens. The former ones stay valid for a time.
         */
        post: operations["rotate_keys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description What a client does after a close, given by the hundreds digit of the code.
         *
         *     - `stop`: Stay disconnected (40xx, 45xx).
         *     - `reauth`: Get a new auth token first (41xx).
         *     - `retry`: Resume after `retry_after_ms` (42xx).
         *     - `resume`: Resume now (43xx).
         *     - `start`: Start again (44xx).
         * @enum {string}
         */
        Action: "stop" | "reauth" | "retry" | "resume" | "start";
        /** @description A block that is in force. */
        ActiveBlock: {
            /** @description Who set it. */
            set_by: components["schemas"]["BlockSource"];
            /** @description Its end; absent if it is permanent. */
            until_ms?: components["schemas"]["Timestamp"];
        };
        /** @description The actor of an audit event. */
        AuditActor: components["schemas"]["AuditActorUser"] | components["schemas"]["AuditActorServer"] | components["schemas"]["AuditActorGateway"];
        /**
         * @description - `gateway`: The gateway itself.
         * @enum {string}
         */
        AuditActorGateway: "gateway";
        /** @description A server key or token: `key:9f86d081` by its fingerprint, `token:billing` by its name. */
        AuditActorServer: {
            server: string;
        };
        /** @description A user, as a moderator. */
        AuditActorUser: {
            user: components["schemas"]["Username"];
        };
        /** @description The result of a check. */
        AuditCheck: {
            /** @description The first error found. */
            found?: string;
            /** @description The chain head. Store it outside of the gateway for a later check. */
            head?: components["schemas"]["Head"];
            /** @description Whether the log is intact. */
            ok: boolean;
        };
        /**
         * @description Order of rows.
         *
         *     - `oldest_first`: Ascending row numbers.
         *     - `newest_first`: Descending row numbers.
         * @enum {string}
         */
        AuditOrder: "oldest_first" | "newest_first";
        /** @description The result of an audited action. */
        AuditOutcome: components["schemas"]["AuditOutcomeReceipts"] | components["schemas"]["AuditOutcomeDenied"] | components["schemas"]["AuditOutcomeDone"];
        /** @description It was denied `times` times within the minute that begins at `at_ms`. */
        AuditOutcomeDenied: {
            denied: components["schemas"]["AuditOutcomeDeniedDenied"];
        };
        AuditOutcomeDeniedDenied: {
            /**
             * Format: uint64
             * @description Denied attempts.
             */
            times: number;
        };
        /**
         * @description - `done`: It was applied.
         * @enum {string}
         */
        AuditOutcomeDone: "done";
        /** @description Receipts of the targets, so far or final. */
        AuditOutcomeReceipts: {
            receipts: components["schemas"]["AuditOutcomeReceiptsReceipts"];
        };
        AuditOutcomeReceiptsReceipts: {
            /** @description Targets by outcome. */
            counts: components["schemas"]["OutcomeCounts"];
            /**
             * Format: uint64
             * @description From the command until these outcomes.
             */
            elapsed_ms: number;
        };
        /** @description A stored row of the audit log. */
        AuditRow: {
            /** @description Who did it. */
            actor: components["schemas"]["AuditActor"];
            /** @description When it happened. */
            at_ms: components["schemas"]["Timestamp"];
            /** @description The name of the moderation command on the wire, or of the server API call. */
            command: string;
            /** @description HMAC-SHA-256 over the hash of the previous row and this row, in hexadecimal. */
            hash: string;
            /**
             * Format: uint64
             * @description Its number in the app's log, from 1.
             */
            number: number;
            /** @description The result of the action. */
            outcome: components["schemas"]["AuditOutcome"];
            /** @description The reason given by the actor. */
            reason?: string;
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description In which room, where it was in one. */
            room?: components["schemas"]["RoomId"];
            /** @description The target of the action. */
            target: components["schemas"]["Target"];
            /**
             * Format: uint64
             * @description The version of the room's log entry.
             */
            version?: number;
        };
        /** @description A ban. */
        Ban: {
            /**
             * Format: uint64
             * @description Duration; permanent if absent.
             */
            for_ms?: number;
            /** @description Reason, shown to the user. */
            reason?: components["schemas"]["Reason"];
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
        };
        /** @description How long a removed user is blocked. */
        Block: {
            /**
             * Format: uint64
             * @description Milliseconds. 0: the participant is removed and the user may return. Absent: the app's default.
             */
            for_ms?: number;
            /** @description Whether the block is of the room or of the app. Default: `"room"`. */
            scope?: components["schemas"]["BlockScope"];
        };
        /**
         * @description The command that set a block.
         *
         *     - `kick`: Removal from the app by a moderation command.
         *     - `ban`: Ban through this API.
         * @enum {string}
         */
        BlockKind: "kick" | "ban";
        /**
         * @description Whether a removal is from the room or from the app.
         *
         *     - `room`: From the room.
         *     - `app`: From the app: every session of the user ends.
         * @enum {string}
         */
        BlockScope: "room" | "app";
        /**
         * @description Who set a block.
         *
         *     - `moderator`: A moderator; `unblock` lifts it.
         *     - `operator`: The app's backend or an operator, through the server API.
         * @enum {string}
         */
        BlockSource: "moderator" | "operator";
        /** @description The client software. */
        ClientInfo: {
            /** @description The name of the software, at most 64 bytes. */
            name: string;
            /** @description The version of the software, at most 64 bytes. */
            version: string;
        };
        /**
         * @description The number that ends a connection.
         *
         *     - `1000`: normal
         *     - `4001`: unsupported_version
         *     - `4003`: auth_denied
         *     - `4004`: origin_denied
         *     - `4010`: kicked
         *     - `4011`: banned
         *     - `4012`: user_deleted
         *     - `4013`: replaced
         *     - `4014`: session_active
         *     - `4015`: terminated
         *     - `4016`: superseded
         *     - `4100`: token_expired
         *     - `4101`: token_revoked
         *     - `4200`: draining
         *     - `4201`: overloaded
         *     - `4202`: rate_limited
         *     - `4203`: slow_consumer
         *     - `4204`: engine_unavailable
         *     - `4205`: start_timeout
         *     - `4206`: auth_unavailable
         *     - `4300`: moved
         *     - `4301`: heartbeat_lost
         *     - `4400`: resume_expired
         *     - `4401`: resume_denied
         *     - `4500`: malformed
         *     - `4501`: too_large
         *     - `4502`: not_allowed_now
         *     - `4503`: too_many_requests_in_flight
         */
        CloseCode: number;
        /** @description Numbers of participants and streams in a room. */
        Counts: {
            /**
             * Format: uint32
             * @description Number of participants.
             */
            participants: number;
            /**
             * Format: uint32
             * @description Number of participants with streams.
             */
            publishers: number;
            /**
             * Format: uint32
             * @description Number of streams.
             */
            streams: number;
        };
        /** @description The end of a page. Opaque to callers, and safe in a URL. */
        Cursor: string;
        /** @description Any JSON of the application, passed through untouched. */
        Data: unknown;
        /** @description A message that could not be delivered. */
        DeadLetter: {
            /** @description Time of the event. */
            at_ms: components["schemas"]["Timestamp"];
            /**
             * Format: uint32
             * @description Delivery attempts.
             */
            attempts: number;
            /** @description The body of the message. */
            body: unknown;
            /** @description Id of its endpoint. */
            endpoint: string;
            /** @description The error of the last attempt. */
            error?: string;
            /**
             * Format: uint64
             * @description Number, by which it is replayed.
             */
            number: number;
            /** @description Type of the event. */
            type: string;
        };
        /**
         * @description Why the gateway closes the connection. It is flushed before the close frame.
         *
         *     Shape: `{"disconnect":{"code":4010,"reason":"kicked","action":"stop"}}`.
         */
        Disconnect: {
            /** @description What the client does next. */
            action: components["schemas"]["Action"];
            /** @description The code of the close frame that follows. */
            code: components["schemas"]["CloseCode"];
            /** @description The name of the code, or the reason that the moderator gave. */
            reason: string;
            /** @description The idempotency key of the command that caused the close. */
            ref?: components["schemas"]["Ref"];
            /**
             * Format: uint64
             * @description Milliseconds to wait before reconnecting, at most 2^31-1; always there for the action `retry`.
             */
            retry_after_ms?: number;
            /** @description Until when the user is rejected, in milliseconds since the Unix epoch. */
            until_ms?: components["schemas"]["Timestamp"];
        };
        /** @description The result of a change to a user. */
        DoneToUser: {
            /** @description Tokens that the app issues from this time on are accepted. Present after a revocation. */
            accepted_from_ms?: components["schemas"]["Timestamp"];
            /** @description What blocks the user from the app now. A ban and a moderator's block hold beside each other. */
            block?: components["schemas"]["ActiveBlock"];
            /**
             * Format: uint64
             * @description Live sessions that were ended.
             */
            sessions_ended: number;
            /** @description End of the ban; absent if it is permanent or the call set none. */
            until_ms?: components["schemas"]["Timestamp"];
            /** @description Username. */
            username: components["schemas"]["Username"];
        };
        /** @description A drain in progress. */
        Draining: {
            /**
             * Format: uint64
             * @description Time after which the gateway stops waiting.
             */
            deadline_ms: number;
            /**
             * Format: uint64
             * @description Sessions whose connections will be closed.
             */
            sessions: number;
            /**
             * Format: uint64
             * @description Duration over which the connections are closed.
             */
            spread_ms: number;
        };
        /** @description A webhook endpoint with its health and message counts. */
        Endpoint: {
            /**
             * Format: uint64
             * @description Dead letters.
             */
            dead: number;
            /**
             * Format: uint64
             * @description Messages that became dead letters since the process started.
             */
            dead_lettered: number;
            /**
             * Format: uint64
             * @description Deliveries since the process started.
             */
            delivered: number;
            /** @description Event types that it receives. */
            events: string[];
            /**
             * Format: uint64
             * @description Failed attempts since the process started.
             */
            failed: number;
            /** @description Host of its URL; absent for a former endpoint. */
            host?: string;
            /** @description Id in the configuration. */
            id: string;
            /** @description Time of the last delivery. */
            last_delivered_ms?: components["schemas"]["Timestamp"];
            /** @description The error of that attempt. */
            last_error?: string;
            /** @description Time of the last failed attempt. */
            last_failed_ms?: components["schemas"]["Timestamp"];
            /** @description Time of the oldest message that waits for delivery. */
            oldest_pending_ms?: components["schemas"]["Timestamp"];
            /** @description End of a pause that it asked for. */
            paused_until_ms?: components["schemas"]["Timestamp"];
            /**
             * Format: uint64
             * @description Messages that wait for delivery.
             */
            pending: number;
            /**
             * @description Health; `former` if it is no longer configured but still has messages.
             * @enum {string}
             */
            state: "ok" | "failing" | "disabled" | "former";
        };
        /** @description The app's endpoints, and former ones with undelivered messages. */
        Endpoints: {
            /**
             * Format: uint64
             * @description Messages dropped since the process started.
             */
            dropped: number;
            /** @description Configured endpoints, then former ones. */
            endpoints: components["schemas"]["Endpoint"][];
        };
        /**
         * @description What happens to a membership when its room token expires.
         *
         *     - `keep`: It continues.
         *     - `enforce`: It ends, unless it was renewed by another join.
         * @enum {string}
         */
        Expiry: "keep" | "enforce";
        /** @description Remove a user or participant; give exactly one of `participant` and `username`. */
        ForceDisconnect: {
            /** @description How long the user is blocked. Default: `{"scope":"room"}`. */
            block?: components["schemas"]["Block"];
            /** @description The target, one participant. */
            participant?: components["schemas"]["ParticipantId"];
            /** @description The reason, shown to the user. */
            reason?: components["schemas"]["Reason"];
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The target, all participants of a user. */
            username?: components["schemas"]["Username"];
        };
        /** @description Mute a target; give exactly one of `stream`, `participant` and `username`. */
        ForceMute: {
            /** @description Whether the owner is kept from undoing the mute. Default: `false`. */
            lock?: boolean;
            /** @description The owner of the streams, as one participant. */
            participant?: components["schemas"]["ParticipantId"];
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The stream to mute. */
            stream?: components["schemas"]["StreamId"];
            /** @description The owner of the streams, as a user. */
            username?: components["schemas"]["Username"];
        };
        /** @description Mute a whole room. */
        ForceMuteAll: {
            /** @description Exempt participants, by their ids or by those of their streams, at most 500. */
            except?: components["schemas"]["MuteException"][];
            /** @description Whether the acting moderator is muted too. */
            include_self?: boolean;
            /** @description Whether the owner is kept from undoing the mute. Default: `false`. */
            lock?: boolean;
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
        };
        /** @description End a stream. */
        ForceUnpublish: {
            /** @description The reason, shown to the user. */
            reason?: components["schemas"]["Reason"];
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The id of the stream. */
            stream: components["schemas"]["StreamId"];
        };
        /** @description The head of a log, formatted as `42:9f3c…`. */
        Head: {
            /** @description The hash of the last row. */
            hash: string;
            /**
             * Format: uint64
             * @description The number of the last row; 0 if there is none.
             */
            number: number;
        };
        /** @description A instance: 8 to 64 characters of A-Z a-z 0-9 . _ ~ -. */
        InstanceId: string;
        /** @description The layout classes of a stream: at most 16, each of 1 to 64 characters. */
        LayoutClasses: string[];
        /** @description Lift a mute; give exactly one of `stream`, `participant` and `username`. */
        LiftMute: {
            /** @description The owner of the streams, as one participant. */
            participant?: components["schemas"]["ParticipantId"];
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The stream to mute. */
            stream?: components["schemas"]["StreamId"];
            /** @description The owner of the streams, as a user. */
            username?: components["schemas"]["Username"];
        };
        /**
         * @description Whether a participant's session has a connection.
         *
         *     - `live`: Connected.
         *     - `suspended`: Disconnected; the session can be resumed within its resume window.
         * @enum {string}
         */
        Link: "live" | "suspended";
        /** @description The claims of a room token. */
        MintRoom: {
            /** @description Whether the user may remove users from the whole app. Default: `false`. */
            app_moderator?: boolean;
            /** @description Connection data, visible to all participants and immutable. */
            data?: string;
            /**
             * Format: uint64
             * @description Lifetime; default 24 hours, at most 30 days.
             */
            for_ms?: number;
            /** @description Token id: with one, only one session can redeem the token. */
            jti?: string;
            /** @description Layout classes of the participant's streams. */
            layout_classes?: components["schemas"]["LayoutClasses"];
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The role in the room; default: the app's default role. */
            role?: components["schemas"]["Role"];
            /** @description The room. */
            room: components["schemas"]["RoomId"];
            /** @description Binds the token to this user. */
            username?: components["schemas"]["Username"];
        };
        /** @description The claims of a server token. */
        MintServer: {
            /**
             * Format: uint64
             * @description Lifetime; default and maximum one hour.
             */
            for_ms?: number;
            /** @description Name of the caller in the audit log. */
            name?: string;
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
        };
        /** @description The claims of a session token. */
        MintSession: {
            /** @description Whether the user may remove users from the whole app. Default: `false`. */
            app_moderator?: boolean;
            /**
             * Format: uint64
             * @description How long the token can start a session; default one hour, at most 30 days.
             */
            for_ms?: number;
            /** @description Binds the token to this client instance. */
            instance?: components["schemas"]["InstanceId"];
            /** @description Display name, 1 to 256 characters. */
            name?: string;
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description Rooms that the session can join without a room token, with the role there; `*` may end a name. */
            rooms?: {
                [key: string]: components["schemas"]["Role"];
            };
            /** @description The session's scopes; default: all that the role allows. */
            scopes?: string[];
            /**
             * Format: uint64
             * @description How long the session lasts, at most the app's `access_ttl`, which is the default.
             */
            ttl_s?: number;
            /** @description The user. */
            username: components["schemas"]["Username"];
        };
        /** @description A minted token. */
        Minted: {
            /** @description Expiry. */
            expires_at_ms: components["schemas"]["Timestamp"];
            /** @description The token. */
            token: components["schemas"]["Secret"];
        };
        /**
         * @description The moderation commands.
         * @enum {string}
         */
        ModerationCommand: "force_disconnect" | "unblock" | "force_unpublish" | "force_mute" | "lift_mute" | "force_mute_all" | "disable_force_mute" | "request_unmute" | "set_role" | "lock_room" | "unlock_room" | "end_room";
        /** @description The result of a moderation command, which is durable. */
        ModerationReceipt: {
            /** @description Room tokens that the app issues from this time on are accepted. Present after `end_room`. */
            accepted_from_ms?: components["schemas"]["Timestamp"];
            /** @description What still blocks the user, after `unblock`. */
            block?: components["schemas"]["ActiveBlock"];
            /** @description The command. */
            command: components["schemas"]["ModerationCommand"];
            /** @description Targets by outcome; absent if the room answered from its cache for this `ref`. */
            counts?: components["schemas"]["OutcomeCounts"];
            /**
             * Format: uint64
             * @description Time from the command to these outcomes.
             */
            elapsed_ms: number;
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The room. */
            room: components["schemas"]["RoomId"];
            /**
             * Format: uint32
             * @description Number of targets.
             */
            target_count: number;
            /** @description The target of a command that has one; otherwise up to 100 targets that are not `enforced`. */
            targets: components["schemas"]["Receipt"][];
            /**
             * Format: uint64
             * @description The version of the room's log after the command.
             */
            version: number;
        };
        /** @description An id the gateway made: 22 characters of base64url. */
        MuteException: string;
        /** @description Layout classes of a stream. */
        NewLayout: {
            /** @description The classes; empty clears them. */
            layout_classes: components["schemas"]["LayoutClasses"];
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
        };
        /** @description The initial mute of a room. */
        NewMute: {
            /** @description Whether new streams are muted. Default: `false`. */
            active?: boolean;
            /** @description Whether participants are prevented from unmuting. Default: `false`. */
            lock?: boolean;
        };
        /** @description A room to create. */
        NewRoom: {
            /** @description Whether the room is created locked. Default: `false`. */
            locked?: boolean;
            /** @description The initial room mute. */
            mute?: components["schemas"]["NewMute"];
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description Room id. */
            room: components["schemas"]["RoomId"];
            /** @description Settings that override those of the app. */
            settings?: components["schemas"]["RoomOverrides"];
        };
        /** @description A signal from the server. */
        NewSignal: {
            /** @description The application's data, at most 8192 bytes. */
            data: components["schemas"]["Data"];
            /** @description The sender's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The receiver; absent for all other participants. */
            to?: components["schemas"]["ParticipantId"];
            /** @description The application's name for this kind of signal. */
            type: components["schemas"]["SignalType"];
        };
        /**
         * @description The outcome of a moderation command at one target, derived from the state of the target.
         *
         *     - `enforced`: The target is silent, gone or changed now; after `request_unmute`, its audio is on.
         *     - `pending`: The target was notified and has not answered yet.
         *     - `offline`: The target is suspended and will be notified on resume.
         *     - `declined`: The target answered otherwise: with audio on to a mute without a lock, with audio off to `request_unmute`.
         *     - `ignored`: The target did not answer in time. The gateway unpublished the stream of an unanswered mute.
         * @enum {string}
         */
        Outcome: "enforced" | "pending" | "offline" | "declined" | "ignored";
        /** @description How many targets had each outcome. */
        OutcomeCounts: {
            /**
             * Format: uint32
             * @description Targets that answered otherwise.
             */
            declined: number;
            /**
             * Format: uint32
             * @description Targets that are silent, gone or changed now.
             */
            enforced: number;
            /**
             * Format: uint32
             * @description Targets that did not answer in time.
             */
            ignored: number;
            /**
             * Format: uint32
             * @description Suspended targets that are not notified yet.
             */
            offline: number;
            /**
             * Format: uint32
             * @description Notified targets without an answer.
             */
            pending: number;
        };
        /** @description A page of a list. */
        PageOfAuditRow: {
            /** @description The items. */
            items: components["schemas"]["AuditRow"][];
            /** @description The cursor of the next page; absent on the last page. */
            next?: components["schemas"]["Cursor"];
        };
        /** @description A page of a list. */
        PageOfDeadLetter: {
            /** @description The items. */
            items: components["schemas"]["DeadLetter"][];
            /** @description The cursor of the next page; absent on the last page. */
            next?: components["schemas"]["Cursor"];
        };
        /** @description A page of a list. */
        PageOfPresentParticipant: {
            /** @description The items. */
            items: components["schemas"]["PresentParticipant"][];
            /** @description The cursor of the next page; absent on the last page. */
            next?: components["schemas"]["Cursor"];
        };
        /** @description A page of a list. */
        PageOfRoom: {
            /** @description The items. */
            items: components["schemas"]["Room"][];
            /** @description The cursor of the next page; absent on the last page. */
            next?: components["schemas"]["Cursor"];
        };
        /** @description A page of a list. */
        PageOfSession: {
            /** @description The items. */
            items: components["schemas"]["Session"][];
            /** @description The cursor of the next page; absent on the last page. */
            next?: components["schemas"]["Cursor"];
        };
        /** @description A page of a list. */
        PageOfStream: {
            /** @description The items. */
            items: components["schemas"]["Stream"][];
            /** @description The cursor of the next page; absent on the last page. */
            next?: components["schemas"]["Cursor"];
        };
        /** @description A page of a list. */
        PageOfUser: {
            /** @description The items. */
            items: components["schemas"]["User"][];
            /** @description The cursor of the next page; absent on the last page. */
            next?: components["schemas"]["Cursor"];
        };
        /** @description A participant as other participants see it. */
        Participant: {
            /** @description The connection data, from the room token or from `join`. */
            data?: string;
            /** @description The id. */
            id: components["schemas"]["ParticipantId"];
            /** @description Whether the session is connected. */
            link: components["schemas"]["Link"];
            /** @description Whether a moderator locked the mute of its audio. */
            mute_locked: boolean;
            /** @description The role in the room. */
            role: components["schemas"]["Role"];
            /** @description The name of the user. */
            username: components["schemas"]["Username"];
        };
        /** @description An id the gateway made: 22 characters of base64url. */
        ParticipantId: string;
        /** @description A participant. */
        PresentParticipant: {
            /** @description The participant as other participants see it. */
            participant: components["schemas"]["Participant"];
            /** @description Session id. */
            session: components["schemas"]["SessionId"];
            /** @description State of the session. */
            state: components["schemas"]["SessionState"];
            /** @description Ids of the streams. */
            streams: components["schemas"]["StreamId"][];
        };
        /**
         * @description What went wrong with a request, and how to fix it.
         *
         *     Shape: `{"type":"about:blank","title":"Not Found","status":404,"code":"not_found","detail":"…"}`.
         */
        Problem: {
            /** @description What went wrong, for programs. */
            code: components["schemas"]["ProblemCode"];
            /** @description What was found, what was expected and how to fix it, for people. */
            detail: string;
            /** @description The invalid argument. */
            field?: string;
            /**
             * Format: uint64
             * @description When to retry.
             */
            retry_after_ms?: number;
            /**
             * Format: uint16
             * @description The HTTP status.
             */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description `about:blank`: the status says what kind of problem it is. */
            type: string;
        };
        /**
         * @description What went wrong, for programs. A later version may have further codes.
         * @enum {string}
         */
        ProblemCode: "body_timeout" | "engine_unavailable" | "forbidden" | "foreign_host" | "internal" | "invalid_argument" | "no_operator_key" | "no_signing_key" | "not_found" | "not_recorded" | "overloaded" | "participant_not_found" | "rate_limited" | "ref_conflict" | "ref_in_use" | "room_exists" | "room_not_found" | "store_unavailable" | "stream_not_found" | "too_large" | "unauthorized";
        /** @description A reason: at most 256 bytes. */
        Reason: string;
        /** @description The receipt of one command at one target. */
        Receipt: {
            /**
             * Format: uint64
             * @description Milliseconds from the command until this outcome.
             */
            elapsed_ms: number;
            /** @description The outcome at this target. */
            outcome: components["schemas"]["Outcome"];
            /** @description The target. */
            target: components["schemas"]["Target"];
        };
        /** @description A ref: 1 to 64 bytes without control characters. */
        Ref: string;
        /** @description A body with only a `ref`. */
        RefAlone: {
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
        };
        /** @description Replays all dead letters of an endpoint. */
        ReplayAll: {
            /** @description The endpoint's id. */
            endpoint: string;
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
        };
        /** @description The number of messages queued for delivery again. */
        Replayed: {
            /**
             * Format: uint64
             * @description Number of messages.
             */
            replayed: number;
        };
        /** @description Request that a stream is unmuted. */
        RequestUnmute: {
            /** @description The caller's idempotency key, for moderation commands. */
            ref?: components["schemas"]["Ref"];
            /** @description The id of the stream. */
            stream: components["schemas"]["StreamId"];
        };
        /** @description A revocation of all tokens of an app. */
        RevokeAll: {
            /** @description Tokens issued before this time are void; default now. Not in the future. */
            before_ms?: components["schemas"]["Timestamp"];
            /** @description Reason, for the audit log. */
            reason?: components["schemas"]["Reason"];
            /** @description Idempotency key. */
            ref?: components["schemas"]["Ref"];
        };
        /** @description The result of a revocation of all tokens. */
        RevokedAll: {
            /** @description Tokens that the app issues from this time on are accepted. */
            accepted_from_ms: components["schemas"]["Timestamp"];
            /**
             * Format: uint64
             * @description Live sessions that were ended.
             */
            sessions_ended: number;
        };
        /**
         * @description The role of a participant in a room.
         *
         *     - `subscriber`: Subscribes to streams.
         *     - `publisher`: Publishes, and subscribes to streams.
         *     - `publisher_only`: Publishes only: receives no streams of others and sends no signals.
         *     - `moderator`: Publishes, subscribes and moderates.
         * @enum {string}
         */
        Role: "subscriber" | "publisher" | "publisher_only" | "moderator";
        /** @description A room. The fields about its live state are present while it is open. */
        Room: {
            /** @description Participants and streams in the room. */
            counts?: components["schemas"]["Counts"];
            /** @description When it was created by a call; absent if it opened without one. */
            created_ms?: components["schemas"]["Timestamp"];
            /** @description Whether only moderators and publishers are visible to other participants. */
            is_large?: boolean;
            /** @description Whether only moderators and recent participants may join. */
            locked?: boolean;
            /** @description The room mute. */
            mute?: components["schemas"]["RoomMute"];
            /** @description Whether the room is open: from its first join or server call until 10 minutes after the last participant left. */
            open: boolean;
            /** @description Room id. */
            room: components["schemas"]["RoomId"];
            /** @description The settings in force while it is open, otherwise those it was created with. */
            settings: components["schemas"]["RoomOverrides"];
            /**
             * Format: uint64
             * @description The version of its log.
             */
            version?: number;
        };
        /** @description A room: 1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ -, not . or ... */
        RoomId: string;
        /** @description The mute of a room, set by `force_mute_all`. */
        RoomMute: {
            /** @description Whether later streams start muted. */
            active: boolean;
            /** @description Whether the owners are kept from undoing the mute. */
            lock: boolean;
        };
        /** @description The settings in which one room differs from its app. Absent ones are the app's. */
        RoomOverrides: {
            /** @description What happens to a membership when its room token expires. */
            membership_expiry?: components["schemas"]["Expiry"];
            /**
             * Format: uint32
             * @description Maximum participants, at most the gateway's limit.
             */
            participants?: number;
            /**
             * Format: uint32
             * @description Maximum participants of a room in which everyone is listed and announced to everyone.
             */
            roster_limit?: number;
            /**
             * Format: uint32
             * @description Maximum streams, at most the gateway's limit.
             */
            streams?: number;
            /** @description Whether subscribers may signal. */
            subscriber_signals?: boolean;
        };
        /** @description A rotation of the signing keys. */
        Rotated: {
            /** @description Tokens of the former keys are accepted before this time. */
            former_until_ms: components["schemas"]["Timestamp"];
            /** @description Id of the new key, as in the header `kid` of tokens. */
            kid: string;
        };
        /** @description A secret: a text. */
        Secret: string;
        /** @description A signal was sent. */
        Sent: {
            /**
             * Format: uint64
             * @description The position among the signals of the room.
             */
            order: number;
            /**
             * Format: uint32
             * @description Number of receiving sessions.
             */
            recipients: number;
        };
        /** @description A session. */
        Session: {
            /** @description Client address of the last connection. */
            address: string;
            /** @description Client software. */
            client?: components["schemas"]["ClientInfo"];
            /** @description Whether it has a connection. */
            connected: boolean;
            /** @description End time. */
            ended_ms?: components["schemas"]["Timestamp"];
            /** @description The close code and reason sent to its client. */
            ending?: components["schemas"]["Disconnect"];
            /** @description Expiry of its access token; live sessions only. */
            expires_at_ms?: components["schemas"]["Timestamp"];
            /** @description Whether the user is a guest. */
            guest: boolean;
            /** @description Session id. */
            id: components["schemas"]["SessionId"];
            /** @description Its client instance. */
            instance: components["schemas"]["InstanceId"];
            /** @description Time of the last message from the client; live sessions only. */
            last_activity_ms?: components["schemas"]["Timestamp"];
            /** @description Start time. */
            started_ms: components["schemas"]["Timestamp"];
            /** @description Current state, or the last one of an ended session. */
            state: components["schemas"]["SessionState"];
            /** @description `User-Agent` of the client. */
            user_agent?: string;
            /** @description Its user. */
            username: components["schemas"]["Username"];
        };
        /**
         * @description Which sessions to list.
         *
         *     - `live`: All live sessions.
         *     - `established`: Live, with a valid access token.
         *     - `tokenExpired`: Live, with an expired access token.
         *     - `suspended`: Live, without a connection.
         *     - `ended`: All sessions that ended in the last 30 days.
         *     - `terminated`: Ended by the gateway, a moderator or the server.
         *     - `notLoggedIn`: Ended by its client, or lost.
         * @enum {string}
         */
        SessionFilter: "live" | "established" | "tokenExpired" | "suspended" | "ended" | "terminated" | "notLoggedIn";
        /** @description An id the gateway made: 22 characters of base64url. */
        SessionId: string;
        /**
         * @description The state of a session, as the gateway drives it.
         *
         *     Source: `docs/protocol.md`, "Session states". Only these five names are in camel case on the wire.
         *
         *     - `notLoggedIn`: No user: before a start, after an end, or rejected.
         *     - `establishing`: The gateway authenticates the user.
         *     - `established`: Authenticated.
         *     - `tokenExpired`: The access token expired; the client may only renew it or leave rooms.
         *     - `terminated`: Ended by the gateway, a moderator or an operator.
         * @enum {string}
         */
        SessionState: "notLoggedIn" | "establishing" | "established" | "tokenExpired" | "terminated";
        /** @description Change a role. */
        SetRole: {
            /** @description The participant. */
            participant: components["schemas"]["ParticipantId"];
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description The new role. */
            role: components["schemas"]["Role"];
        };
        /** @description A type: 1 to 128 characters of A-Z a-z 0-9 . _ ~ -. */
        SignalType: string;
        /** @description A stream as the participants of the room see it. */
        Stream: {
            /** @description Whether its audio is on. */
            has_audio: boolean;
            /** @description Whether its video is on. */
            has_video: boolean;
            /** @description The id. */
            id: components["schemas"]["StreamId"];
            /** @description The source of the media. */
            kind: components["schemas"]["StreamKind"];
            /** @description The layout classes of the stream. */
            layout_classes?: components["schemas"]["LayoutClasses"];
            /** @description Whether a moderator muted the stream: receivers silence it, regardless of its owner. */
            muted: boolean;
            /** @description The display name. */
            name?: components["schemas"]["StreamName"];
            /** @description The owner of the stream. */
            participant: components["schemas"]["ParticipantId"];
        };
        /** @description An id the gateway made: 22 characters of base64url. */
        StreamId: string;
        /**
         * @description The source of the media of a stream.
         *
         *     - `camera`: A camera, with or without its microphone.
         *     - `screen`: A screen.
         *     - `audio`: A microphone only.
         *     - `custom`: A kind that the application defines.
         * @enum {string}
         */
        StreamKind: "camera" | "screen" | "audio" | "custom";
        /** @description The display name of a stream, at most 256 characters. */
        StreamName: string;
        /** @description The target of a command; empty for a command about the room. */
        Target: {
            /** @description The target participant. */
            participant?: components["schemas"]["ParticipantId"];
            /** @description The target stream. */
            stream?: components["schemas"]["StreamId"];
            /** @description The target user. */
            username?: components["schemas"]["Username"];
        };
        /**
         * Format: uint64
         * @description A timestamp, in milliseconds since the Unix epoch.
         *
         *     The names of such fields end in `_ms`. Arithmetic saturates, so no number of a peer causes a panic.
         */
        Timestamp: number;
        /** @description Lift a block from the room. */
        Unblock: {
            /** @description The caller's idempotency key. */
            ref?: components["schemas"]["Ref"];
            /** @description Whether the block of the room or of the app is lifted. */
            scope?: components["schemas"]["BlockScope"];
            /** @description The blocked user. */
            username: components["schemas"]["Username"];
        };
        /** @description A user. */
        User: {
            /** @description The block in force; of several the one that ends last. */
            block?: components["schemas"]["UserBlock"];
            /** @description Time of the deletion. */
            deleted_ms?: components["schemas"]["Timestamp"];
            /** @description Display name. */
            name?: string;
            /** @description Properties from the app. */
            properties?: components["schemas"]["Data"];
            /** @description Whether the username belongs to a registered user; otherwise to a guest or to no user yet. */
            registered: boolean;
            /** @description Credentials issued before this time are rejected. */
            revoked_ms?: components["schemas"]["Timestamp"];
            /** @description Approximate time of the last connection. */
            seen_ms?: components["schemas"]["Timestamp"];
            /** @description Username. */
            username: components["schemas"]["Username"];
        };
        /** @description A block from the whole app. */
        UserBlock: {
            /** @description Kind of the block. */
            kind: components["schemas"]["BlockKind"];
            /** @description Reason. */
            reason?: string;
            /** @description Who set it. */
            set_by: components["schemas"]["BlockSource"];
            /** @description Start. */
            since_ms: components["schemas"]["Timestamp"];
            /** @description End; absent if permanent. */
            until_ms?: components["schemas"]["Timestamp"];
        };
        /** @description A user and their live sessions. */
        UserWithSessions: {
            /** @description Live sessions of the user. */
            sessions: components["schemas"]["Session"][];
            /** @description The user. */
            user: components["schemas"]["User"];
        };
        /** @description A username: 1 to 256 bytes of UTF-8 in normal form C without control characters, not . or ... */
        Username: string;
    };
    responses: {
        /** @description Bad Request: `invalid_argument`. */
        "400.invalid_argument": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "invalid_argument",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 400,
                 *       "title": "Bad Request",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unauthorized: `unauthorized`. */
        "401.unauthorized": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "unauthorized",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 401,
                 *       "title": "Unauthorized",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Forbidden: `forbidden`. */
        "403.forbidden": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "forbidden",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 403,
                 *       "title": "Forbidden",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Forbidden: `no_operator_key`. */
        "403.no_operator_key": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "no_operator_key",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 403,
                 *       "title": "Forbidden",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: `not_found`. */
        "404.not_found": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "not_found",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 404,
                 *       "title": "Not Found",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: `participant_not_found`, `room_not_found`. */
        "404.participant_not_found.room_not_found": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "participant_not_found",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 404,
                 *       "title": "Not Found",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: `participant_not_found`, `room_not_found`, `stream_not_found`. */
        "404.participant_not_found.room_not_found.stream_not_found": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "participant_not_found",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 404,
                 *       "title": "Not Found",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: `room_not_found`. */
        "404.room_not_found": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "room_not_found",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 404,
                 *       "title": "Not Found",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: `room_not_found`, `stream_not_found`. */
        "404.room_not_found.stream_not_found": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "room_not_found",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 404,
                 *       "title": "Not Found",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Request Timeout: `body_timeout`. */
        "408.body_timeout": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "body_timeout",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 408,
                 *       "title": "Request Timeout",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflict: `no_signing_key`, `ref_in_use`. */
        "409.no_signing_key.ref_in_use": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After"?: number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "no_signing_key",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 409,
                 *       "title": "Conflict",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflict: `ref_in_use`. */
        "409.ref_in_use": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After": number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "ref_in_use",
                 *       "detail": "what was found, and what was expected",
                 *       "retry_after_ms": 1000,
                 *       "status": 409,
                 *       "title": "Conflict",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflict: `ref_in_use`, `room_exists`. */
        "409.ref_in_use.room_exists": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After"?: number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "ref_in_use",
                 *       "detail": "what was found, and what was expected",
                 *       "retry_after_ms": 1000,
                 *       "status": 409,
                 *       "title": "Conflict",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Payload Too Large: `too_large`. */
        "413.too_large": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "too_large",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 413,
                 *       "title": "Payload Too Large",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Misdirected Request: `foreign_host`. */
        "421.foreign_host": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "foreign_host",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 421,
                 *       "title": "Misdirected Request",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unprocessable Entity: `ref_conflict`. */
        "422.ref_conflict": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "ref_conflict",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 422,
                 *       "title": "Unprocessable Entity",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too Many Requests: `rate_limited`. */
        "429.rate_limited": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After": number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "rate_limited",
                 *       "detail": "what was found, and what was expected",
                 *       "retry_after_ms": 1000,
                 *       "status": 429,
                 *       "title": "Too Many Requests",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Internal Server Error: `internal`. */
        "500.internal": {
            headers: {
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "internal",
                 *       "detail": "what was found, and what was expected",
                 *       "status": 500,
                 *       "title": "Internal Server Error",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable: `engine_unavailable`, `not_recorded`, `overloaded`, `store_unavailable`. */
        "503.engine_unavailable.not_recorded.overloaded.store_unavailable": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After": number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "engine_unavailable",
                 *       "detail": "what was found, and what was expected",
                 *       "retry_after_ms": 1000,
                 *       "status": 503,
                 *       "title": "Service Unavailable",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable: `engine_unavailable`, `overloaded`, `store_unavailable`. */
        "503.engine_unavailable.overloaded.store_unavailable": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After": number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "engine_unavailable",
                 *       "detail": "what was found, and what was expected",
                 *       "retry_after_ms": 1000,
                 *       "status": 503,
                 *       "title": "Service Unavailable",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable: `overloaded`. */
        "503.overloaded": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After": number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "overloaded",
                 *       "detail": "what was found, and what was expected",
                 *       "retry_after_ms": 1000,
                 *       "status": 503,
                 *       "title": "Service Unavailable",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable: `overloaded`, `store_unavailable`. */
        "503.overloaded.store_unavailable": {
            headers: {
                /** @description Seconds until the call can be retried. */
                "Retry-After": number;
                "X-Request-Id": components["headers"]["request_id"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "code": "overloaded",
                 *       "detail": "what was found, and what was expected",
                 *       "retry_after_ms": 1000,
                 *       "status": 503,
                 *       "title": "Service Unavailable",
                 *       "type": "about:blank"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
        idempotency_key: string;
        /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
        request_id: string;
    };
    requestBodies: never;
    headers: {
        /** @description Request id: the caller's, or a generated one. It is in the log. */
        request_id: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_audit: {
        parameters: {
            query?: {
                /** @description Start after this row number. */
                after?: number;
                /** @description Of one command. */
                command?: string;
                /** @description The `next` cursor of the previous page. */
                cursor?: components["schemas"]["Cursor"];
                /** @description Maximum number of rows. */
                limit?: number;
                /** @description Order of the rows, the same for all pages; default `oldest_first`. */
                order?: components["schemas"]["AuditOrder"];
                /** @description Only rows of this room. */
                room?: components["schemas"]["RoomId"];
                /** @description Only rows that target this user or were caused by them. */
                username?: components["schemas"]["Username"];
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "actor": {
                     *             "server": "key:9f86d081"
                     *           },
                     *           "at_ms": 1900000000000,
                     *           "command": "ban",
                     *           "hash": "0000000000000000000000000000000000000000000000000000000000000000",
                     *           "number": 1,
                     *           "outcome": "done",
                     *           "reason": "spam",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PageOfAuditRow"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    export_audit: {
        parameters: {
            query?: {
                /** @description Start after this row number. */
                after?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One row per line, then a line with the chain head. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                    "text/plain": string;
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    verify_audit: {
        parameters: {
            query?: {
                /** @description A head from an earlier check, as `number:hash`; the log must still contain that row. */
                head?: string;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "head": {
                     *         "hash": "0000000000000000000000000000000000000000000000000000000000000000",
                     *         "number": 1
                     *       },
                     *       "ok": true
                     *     }
                     */
                    "application/json": components["schemas"]["AuditCheck"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    revoke_all: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "before_ms": 1900000000000
                 *     }
                 */
                "application/json": components["schemas"]["RevokeAll"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "accepted_from_ms": 1900000001000,
                     *       "sessions_ended": 12
                     *     }
                     */
                    "application/json": components["schemas"]["RevokedAll"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    list_rooms: {
        parameters: {
            query?: {
                /** @description The `next` cursor of the previous page. */
                cursor?: components["schemas"]["Cursor"];
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "counts": {
                     *             "participants": 12,
                     *             "publishers": 1,
                     *             "streams": 2
                     *           },
                     *           "created_ms": 1900000000000,
                     *           "is_large": false,
                     *           "locked": false,
                     *           "mute": {
                     *             "active": true,
                     *             "lock": true
                     *           },
                     *           "open": true,
                     *           "room": "town-hall",
                     *           "settings": {
                     *             "participants": 500
                     *           },
                     *           "version": 42
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PageOfRoom"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    create_room: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "mute": {
                 *         "active": true,
                 *         "lock": true
                 *       },
                 *       "room": "town-hall",
                 *       "settings": {
                 *         "participants": 500
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewRoom"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "counts": {
                     *         "participants": 12,
                     *         "publishers": 1,
                     *         "streams": 2
                     *       },
                     *       "created_ms": 1900000000000,
                     *       "is_large": false,
                     *       "locked": false,
                     *       "mute": {
                     *         "active": true,
                     *         "lock": true
                     *       },
                     *       "open": true,
                     *       "room": "town-hall",
                     *       "settings": {
                     *         "participants": 500
                     *       },
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["Room"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use.room_exists"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    show_room: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "counts": {
                     *         "participants": 12,
                     *         "publishers": 1,
                     *         "streams": 2
                     *       },
                     *       "created_ms": 1900000000000,
                     *       "is_large": false,
                     *       "locked": false,
                     *       "mute": {
                     *         "active": true,
                     *         "lock": true
                     *       },
                     *       "open": true,
                     *       "room": "town-hall",
                     *       "settings": {
                     *         "participants": 500
                     *       },
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["Room"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    disable_force_mute: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "disable_force_mute",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    end_room: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "end_room",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    force_disconnect: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "block": {
                 *         "for_ms": 600000
                 *       },
                 *       "reason": "spam",
                 *       "username": "ada"
                 *     }
                 */
                "application/json": components["schemas"]["ForceDisconnect"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "force_disconnect",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.participant_not_found.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    force_mute: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "lock": true,
                 *       "username": "ada"
                 *     }
                 */
                "application/json": components["schemas"]["ForceMute"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "force_mute",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.participant_not_found.room_not_found.stream_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    force_mute_all: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "lock": true
                 *     }
                 */
                "application/json": components["schemas"]["ForceMuteAll"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "force_mute_all",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found.stream_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    force_unpublish: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "reason": "spam",
                 *       "stream": "AAAAAAAAAAAAAAAAAAAAAg"
                 *     }
                 */
                "application/json": components["schemas"]["ForceUnpublish"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "force_unpublish",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found.stream_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    lift_mute: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "username": "ada"
                 *     }
                 */
                "application/json": components["schemas"]["LiftMute"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "lift_mute",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.participant_not_found.room_not_found.stream_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    lock_room: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "lock_room",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    list_participants: {
        parameters: {
            query?: {
                /** @description The `next` cursor of the previous page. */
                cursor?: components["schemas"]["Cursor"];
                /** @description Maximum number of items. */
                limit?: number;
                /** @description Only participants of this user. */
                username?: components["schemas"]["Username"];
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "participant": {
                     *             "id": "AAAAAAAAAAAAAAAAAAAAAA",
                     *             "link": "live",
                     *             "mute_locked": false,
                     *             "role": "publisher",
                     *             "username": "ada"
                     *           },
                     *           "session": "AAAAAAAAAAAAAAAAAAAAAQ",
                     *           "state": "established",
                     *           "streams": []
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PageOfPresentParticipant"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    request_unmute: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "stream": "AAAAAAAAAAAAAAAAAAAAAg"
                 *     }
                 */
                "application/json": components["schemas"]["RequestUnmute"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "request_unmute",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found.stream_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    set_role: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "participant": "AAAAAAAAAAAAAAAAAAAAAA",
                 *       "role": "subscriber"
                 *     }
                 */
                "application/json": components["schemas"]["SetRole"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "set_role",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.participant_not_found.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    send_signal: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "data": {
                 *         "text": "five minutes"
                 *       },
                 *       "type": "announcement"
                 *     }
                 */
                "application/json": components["schemas"]["NewSignal"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "order": 345,
                     *       "recipients": 12
                     *     }
                     */
                    "application/json": components["schemas"]["Sent"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.participant_not_found.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    list_streams: {
        parameters: {
            query?: {
                /** @description The `next` cursor of the previous page. */
                cursor?: components["schemas"]["Cursor"];
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "has_audio": true,
                     *           "has_video": true,
                     *           "id": "AAAAAAAAAAAAAAAAAAAAAg",
                     *           "kind": "camera",
                     *           "layout_classes": [
                     *             "focus"
                     *           ],
                     *           "muted": false,
                     *           "participant": "AAAAAAAAAAAAAAAAAAAAAA"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PageOfStream"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    set_layout_classes: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
                /** @description Stream id. */
                stream: components["schemas"]["StreamId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "layout_classes": [
                 *         "focus"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewLayout"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "has_audio": true,
                     *       "has_video": true,
                     *       "id": "AAAAAAAAAAAAAAAAAAAAAg",
                     *       "kind": "camera",
                     *       "layout_classes": [
                     *         "focus"
                     *       ],
                     *       "muted": false,
                     *       "participant": "AAAAAAAAAAAAAAAAAAAAAA"
                     *     }
                     */
                    "application/json": components["schemas"]["Stream"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found.stream_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.not_recorded.overloaded.store_unavailable"];
        };
    };
    unblock: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "username": "ada"
                 *     }
                 */
                "application/json": components["schemas"]["Unblock"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "unblock",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    unlock_room: {
        parameters: {
            query?: {
                /** @description How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`. */
                wait_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Room id. */
                room: components["schemas"]["RoomId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "command": "unlock_room",
                     *       "counts": {
                     *         "declined": 0,
                     *         "enforced": 1,
                     *         "ignored": 0,
                     *         "offline": 0,
                     *         "pending": 0
                     *       },
                     *       "elapsed_ms": 0,
                     *       "room": "lobby",
                     *       "target_count": 1,
                     *       "targets": [
                     *         {
                     *           "elapsed_ms": 0,
                     *           "outcome": "enforced",
                     *           "target": {
                     *             "username": "ada"
                     *           }
                     *         }
                     *       ],
                     *       "version": 42
                     *     }
                     */
                    "application/json": components["schemas"]["ModerationReceipt"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.room_not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
    list_sessions: {
        parameters: {
            query?: {
                /** @description The `next` cursor of the previous page. */
                cursor?: components["schemas"]["Cursor"];
                /** @description Maximum number of items. */
                limit?: number;
                /** @description Which sessions to list; default `live`. */
                state?: components["schemas"]["SessionFilter"];
                /** @description Only sessions of this user. */
                username?: components["schemas"]["Username"];
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "address": "192.0.2.1",
                     *           "client": {
                     *             "name": "web",
                     *             "version": "1.2.0"
                     *           },
                     *           "connected": true,
                     *           "expires_at_ms": 1902592000000,
                     *           "guest": false,
                     *           "id": "AAAAAAAAAAAAAAAAAAAAAA",
                     *           "instance": "tab-of-ada",
                     *           "last_activity_ms": 1900000005000,
                     *           "started_ms": 1900000000000,
                     *           "state": "established",
                     *           "user_agent": "Mozilla/5.0",
                     *           "username": "ada"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PageOfSession"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    mint_session_token: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "for_ms": 300000,
                 *       "rooms": {
                 *         "lobby-*": "publisher"
                 *       },
                 *       "username": "ada"
                 *     }
                 */
                "application/json": components["schemas"]["MintSession"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "expires_at_ms": 1900000300000,
                     *       "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
                     *     }
                     */
                    "application/json": components["schemas"]["Minted"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.no_signing_key.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded"];
        };
    };
    show_session: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Session id. */
                session: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "address": "192.0.2.1",
                     *       "client": {
                     *         "name": "web",
                     *         "version": "1.2.0"
                     *       },
                     *       "connected": true,
                     *       "expires_at_ms": 1902592000000,
                     *       "guest": false,
                     *       "id": "AAAAAAAAAAAAAAAAAAAAAA",
                     *       "instance": "tab-of-ada",
                     *       "last_activity_ms": 1900000005000,
                     *       "started_ms": 1900000000000,
                     *       "state": "established",
                     *       "user_agent": "Mozilla/5.0",
                     *       "username": "ada"
                     *     }
                     */
                    "application/json": components["schemas"]["Session"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Session id. */
                session: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    mint_room_token: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "role": "moderator",
                 *       "room": "lobby",
                 *       "username": "ada"
                 *     }
                 */
                "application/json": components["schemas"]["MintRoom"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "expires_at_ms": 1900000300000,
                     *       "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
                     *     }
                     */
                    "application/json": components["schemas"]["Minted"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.no_signing_key.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded"];
        };
    };
    mint_server_token: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "for_ms": 60000,
                 *       "name": "billing"
                 *     }
                 */
                "application/json": components["schemas"]["MintServer"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "expires_at_ms": 1900000300000,
                     *       "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
                     *     }
                     */
                    "application/json": components["schemas"]["Minted"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            403: components["responses"]["403.forbidden"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.no_signing_key.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded"];
        };
    };
    list_users: {
        parameters: {
            query?: {
                /** @description Only blocked users, including usernames that never connected. */
                banned?: boolean;
                /** @description The `next` cursor of the previous page. */
                cursor?: components["schemas"]["Cursor"];
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "name": "Ada",
                     *           "registered": true,
                     *           "seen_ms": 1900000000000,
                     *           "username": "ada"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PageOfUser"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    show_user: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Username, percent-encoded. */
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "sessions": [],
                     *       "user": {
                     *         "name": "Ada",
                     *         "registered": true,
                     *         "seen_ms": 1900000000000,
                     *         "username": "ada"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["UserWithSessions"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    delete_user: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Username, percent-encoded. */
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "sessions_ended": 1,
                     *       "username": "ada"
                     *     }
                     */
                    "application/json": components["schemas"]["DoneToUser"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    ban_user: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Username, percent-encoded. */
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "for_ms": 3600000,
                 *       "reason": "spam"
                 *     }
                 */
                "application/json": components["schemas"]["Ban"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "block": {
                     *         "set_by": "operator",
                     *         "until_ms": 1900003600000
                     *       },
                     *       "sessions_ended": 1,
                     *       "until_ms": 1900003600000,
                     *       "username": "ada"
                     *     }
                     */
                    "application/json": components["schemas"]["DoneToUser"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    unban_user: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Username, percent-encoded. */
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "block": {
                     *         "set_by": "moderator",
                     *         "until_ms": 1900003600000
                     *       },
                     *       "sessions_ended": 0,
                     *       "username": "ada"
                     *     }
                     */
                    "application/json": components["schemas"]["DoneToUser"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    revoke_tokens: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Username, percent-encoded. */
                username: components["schemas"]["Username"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "accepted_from_ms": 1900000001000,
                     *       "sessions_ended": 1,
                     *       "username": "ada"
                     *     }
                     */
                    "application/json": components["schemas"]["DoneToUser"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    list_webhooks: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "dropped": 0,
                     *       "endpoints": [
                     *         {
                     *           "dead": 0,
                     *           "dead_lettered": 0,
                     *           "delivered": 1,
                     *           "events": [
                     *             "user.banned"
                     *           ],
                     *           "failed": 0,
                     *           "host": "shop.example.com",
                     *           "id": "crm",
                     *           "last_delivered_ms": 1900000000000,
                     *           "pending": 0,
                     *           "state": "ok"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Endpoints"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    list_dead_letters: {
        parameters: {
            query?: {
                /** @description The `next` cursor of the previous page. */
                cursor?: components["schemas"]["Cursor"];
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "at_ms": 1900000000000,
                     *           "attempts": 30,
                     *           "body": {
                     *             "type": "user.banned"
                     *           },
                     *           "endpoint": "crm",
                     *           "error": "answered with status 500",
                     *           "number": 7,
                     *           "type": "user.banned"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PageOfDeadLetter"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    replay_dead_letters: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "endpoint": "crm"
                 *     }
                 */
                "application/json": components["schemas"]["ReplayAll"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "replayed": 3
                     *     }
                     */
                    "application/json": components["schemas"]["Replayed"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    replay_dead_letter: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
                /** @description The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
            };
            path: {
                /** @description App id. */
                app: string;
                /** @description Number of the dead letter. */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RefAlone"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "replayed": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Replayed"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.body_timeout"];
            409: components["responses"]["409.ref_in_use"];
            413: components["responses"]["413.too_large"];
            421: components["responses"]["421.foreign_host"];
            422: components["responses"]["422.ref_conflict"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal"];
            503: components["responses"]["503.overloaded.store_unavailable"];
        };
    };
    drain: {
        parameters: {
            query?: never;
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deadline_ms": 10000,
                     *       "sessions": 1200,
                     *       "spread_ms": 5000
                     *     }
                     */
                    "application/json": components["schemas"]["Draining"];
                };
            };
            401: components["responses"]["401.unauthorized"];
            403: components["responses"]["403.no_operator_key"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.overloaded"];
        };
    };
    rotate_keys: {
        parameters: {
            query?: {
                /** @description How long tokens of the former keys are accepted; default 30 days, 0: no longer. */
                former_for_ms?: number;
            };
            header?: {
                /** @description Request id of the call, used in the log and in webhooks. An invalid id is replaced. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["request_id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "former_until_ms": 1902592000000,
                     *       "kid": "gw-5f0c1a2b"
                     *     }
                     */
                    "application/json": components["schemas"]["Rotated"];
                };
            };
            400: components["responses"]["400.invalid_argument"];
            401: components["responses"]["401.unauthorized"];
            403: components["responses"]["403.no_operator_key"];
            421: components["responses"]["421.foreign_host"];
            429: components["responses"]["429.rate_limited"];
            503: components["responses"]["503.engine_unavailable.overloaded.store_unavailable"];
        };
    };
}
