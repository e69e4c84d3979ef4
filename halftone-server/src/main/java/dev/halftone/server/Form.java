package dev.halftone.server;

import dev.halftone.runtime.generate.ScoredToken;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** How a kind of completion is written. */
interface Form {
    /** Begins the ids of answers. */
    String prefix();

    /** "object" of the document. */
    String object(boolean stream);

    /** A whole choice. */
    ObjectNode whole(Choice choice);

    /** The event before the first token; null for none. */
    @Nullable
    ObjectNode opening(Choice choice);

    /** An event with a piece of text, and the tokens since the one before. */
    ObjectNode piece(Choice choice, String text, List<ScoredToken> tokens);

    /** The last event of a choice, whose text is told already. */
    ObjectNode closing(Choice choice);
}
