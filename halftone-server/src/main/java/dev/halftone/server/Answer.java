package dev.halftone.server;

import dev.halftone.runtime.generate.Generation;
import dev.halftone.runtime.generate.GenerationRequest;
import dev.halftone.runtime.generate.TextModel;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A request's choices, told to the client all at the end, or piece by piece. Behind {@link #start} the engine's thread drives it. */
final class Answer {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Exchange exchange;
    private final Form form;
    private final Wishes wishes;
    private final Metrics metrics;
    private final String id;
    private final String model;
    private final long created;
    private final long arrival = System.nanoTime();
    private final List<Choice> choices = new ArrayList<>();
    private int promptTokens;
    private int left;

    /**
     * @param number of the request
     * @param created seconds since 1970
     */
    Answer(Exchange exchange, Form form, Wishes wishes, Metrics metrics, String model, String number, long created) {
        this.exchange = exchange;
        this.form = form;
        this.wishes = wishes;
        this.metrics = metrics;
        this.model = model;
        this.id = form.prefix() + number;
        this.created = created;
    }

    /** As many choices as were wished for, of one prompt. */
    void add(GenerationRequest request, String promptText) {
        promptTokens += request.prompt().length;
        for (int i = 0; i < wishes.choices(); i++) {
            GenerationRequest one = new GenerationRequest(
                    request.prompt(),
                    request.mostTokens(),
                    request.sampling(),
                    i,
                    request.stops(),
                    request.scorePrompt(),
                    request.alternatives());
            choices.add(new Choice(choices.size(), one, promptText, this));
        }
    }

    /** Gives the choices to the scheduler. */
    void start(TextModel text, Scheduler scheduler, int chunk) {
        left = choices.size();
        List<Generation> generations = choices.stream()
                .map(choice -> new Generation(text, choice.request(), chunk, choice))
                .toList();
        exchange.owns(generations);
        scheduler.submit(generations);
    }

    void promptRead(Choice choice) {
        metrics.promptRead(choice.request().prompt().length);
        ObjectNode opening = wishes.stream() ? form.opening(choice) : null;
        if (opening != null) {
            event(opening);
        }
    }

    void written(Choice choice, String piece) {
        metrics.tokenWritten();
        if (choice.tokens().size() == 1) {
            metrics.firstToken((System.nanoTime() - arrival) / 1e9);
        }
        if (wishes.stream() && !piece.isEmpty()) {
            event(form.piece(choice, piece, choice.untold()));
        }
    }

    void finished(Choice choice, String piece) {
        metrics.finished((System.nanoTime() - arrival) / 1e9);
        left--;
        if (!wishes.stream()) {
            if (left == 0) {
                exchange.send(document());
            }
            return;
        }
        boolean tokensLeft =
                choice.request().alternatives() >= 0 && !choice.tokens().isEmpty();
        if (!piece.isEmpty() || tokensLeft) {
            event(form.piece(choice, piece, choice.untold()));
        }
        event(form.closing(choice));
        if (left == 0) {
            if (wishes.usage()) {
                ObjectNode last = frame(true);
                last.putArray("choices");
                last.set("usage", usage());
                exchange.event(last.toString());
            }
            exchange.endEvents();
        }
    }

    void failed(RuntimeException failure) {
        exchange.fail(failure);
    }

    private ObjectNode document() {
        ObjectNode root = frame(false);
        ArrayNode all = root.putArray("choices");
        choices.forEach(choice -> all.add(form.whole(choice)));
        root.set("usage", usage());
        return root;
    }

    private void event(ObjectNode choice) {
        ObjectNode root = frame(true);
        root.putArray("choices").add(choice);
        if (wishes.usage()) {
            root.putNull("usage");
        }
        exchange.event(root.toString());
    }

    private ObjectNode frame(boolean stream) {
        return JSON.createObjectNode()
                .put("id", id)
                .put("object", form.object(stream))
                .put("created", created)
                .put("model", model);
    }

    private ObjectNode usage() {
        int written =
                choices.stream().mapToInt(choice -> choice.tokens().size()).sum();
        return JSON.createObjectNode()
                .put("prompt_tokens", promptTokens)
                .put("completion_tokens", written)
                .put("total_tokens", promptTokens + written);
    }
}
