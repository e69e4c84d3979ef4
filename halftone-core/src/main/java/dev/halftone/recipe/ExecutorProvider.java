package dev.halftone.recipe;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/**
 * Finds executors of one kind by the name that {@code --master} has: a service, so that a module can add one.
 *
 * @param <E> the executors
 */
public interface ExecutorProvider<E> {
    /** What it answers to, for messages: "local". */
    String form();

    /** True if this is one of its names. */
    boolean knows(String master);

    E open(String master);

    /**
     * The executor of that name.
     *
     * @param service the kind that is asked for
     * @param builtIn names that the caller knows without a provider, for messages
     * @throws InputException HT-665 if nobody knows it
     */
    static <E> E named(Class<? extends ExecutorProvider<E>> service, List<String> builtIn, String master) {
        List<String> known = new ArrayList<>(builtIn);
        for (ExecutorProvider<E> provider : ServiceLoader.load(service)) {
            if (provider.knows(master)) {
                return provider.open(master);
            }
            known.add(provider.form());
        }
        throw new InputException("HT-665", "--master", "\"" + master + "\"; known are " + String.join(", ", known), "");
    }
}
