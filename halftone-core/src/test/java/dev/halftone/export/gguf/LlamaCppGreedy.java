package dev.halftone.export.gguf;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** A Java machine of its own for llama.cpp: its worker thread never ends, and a crash in native code takes the machine along. */
final class LlamaCppGreedy {
    /** Exit code where the native library does not load. */
    static final int CANNOT_LOAD = 77;

    /** What the line with the text, in hexadecimal UTF-8, begins with. */
    static final String MARK = "text:";

    private LlamaCppGreedy() {}

    /** Arguments: file, prompt, number of tokens. */
    public static void main(String[] arguments) {
        int exit = 1;
        try {
            System.out.println(MARK
                    + HexFormat.of()
                            .formatHex(text(arguments[0], arguments[1], Integer.parseInt(arguments[2]))
                                    .getBytes(StandardCharsets.UTF_8)));
            System.out.flush();
            exit = 0;
        } catch (UnsatisfiedLinkError | ExceptionInInitializerError e) {
            e.printStackTrace();
            exit = CANNOT_LOAD;
        } finally {
            Runtime.getRuntime().halt(exit);
        }
    }

    @SuppressWarnings("resource") // closing waits for the worker thread
    private static String text(String file, String prompt, int tokens) {
        LlamaModel model = new LlamaModel(new ModelParameters()
                .setModel(file)
                .setThreads(1)
                .setThreadsBatch(1)
                .setCtxSize(256)
                .disableLog());
        return model.complete(new InferenceParameters(prompt)
                .setTemperature(0)
                .setNPredict(tokens)
                .setCachePrompt(false)
                .setUseChatTemplate(false));
    }
}
